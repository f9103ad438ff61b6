# CPython's own tests of the modules named.
import sys, unittest

if __name__ == "__main__":
    found = unittest.defaultTestLoader.loadTestsFromNames("test.test_" + name for name in sys.argv[1:])
    print(sys.argv[1:], found.countTestCases())
    sys.exit(not unittest.TextTestRunner(verbosity=0).run(found).wasSuccessful())
