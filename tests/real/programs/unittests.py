# CPython's own tests of the modules named, but for those that start a second python: Debian's python3 is linked to one
# fixed address, and two programs cannot be there at once yet.
import sys, unittest

SPAWN = ("TestTool", "TestMain", "test_struct_cleans_up_at_runtime_shutdown")

def tests(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from tests(t)
        elif not any(name in t.id() for name in SPAWN):
            yield t

loader = unittest.TestLoader()
found = unittest.TestSuite(tests(loader.loadTestsFromNames("test.test_" + name for name in sys.argv[1:])))
print(sys.argv[1:], found.countTestCases())
sys.exit(not unittest.TextTestRunner(verbosity=0).run(found).wasSuccessful())
