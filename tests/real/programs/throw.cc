// C++: exceptions through frames and threads, iostreams, std::async, static initialisers, locale.
#include <algorithm>
#include <future>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

static std::map<std::string, int> before_main{{"one", 1}, {"two", 2}};

static int deep(int n)
{
	std::string guard(static_cast<size_t>(n % 7), 'x');
	if (n == 0)
		throw std::runtime_error("bottom");
	return deep(n - 1) + static_cast<int>(guard.size());
}

int main()
{
	try {
		deep(100);
	} catch (const std::exception &e) {
		std::cout << "caught " << e.what() << '\n';
	}
	std::vector<std::future<long>> parts;
	for (int p = 0; p < 8; p++)
		parts.push_back(std::async(std::launch::async, [p] {
			long sum = 0;
			for (int i = p; i < 100000; i += 8)
				sum += i;
			if (p == 5)
				throw std::out_of_range("part five");
			return sum;
		}));
	long total = 0;
	for (auto &part : parts) {
		try {
			total += part.get();
		} catch (const std::out_of_range &e) {
			std::cout << "thread threw " << e.what() << '\n';
		}
	}
	std::cout << total << ' ' << before_main["one"] + before_main["two"] << std::endl;
}
