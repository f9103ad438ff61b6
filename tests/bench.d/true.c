// The program that the process rows start.

int main(void) { return 0; }
