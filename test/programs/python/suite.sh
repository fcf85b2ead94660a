#!/bin/sh
# seconds: 240
# Python's own tests of sockets, selectors and TLS, one outcome a line; those of AF_VSOCK are left out, since it depends on the host
ip link set lo up
python3 - <<'P'
import io, sys, unittest

modules = ["test_socket", "test_select", "test_selectors", "test_ssl"]


class Outcomes(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.lines, self.why = [], []

    def note(self, test, outcome, err=None):
        self.lines.append(f"{test.id()} {outcome}")
        if err:
            self.why.append(f"{test.id()}: {self._exc_info_to_string(err, test)}")

    def addSuccess(self, test): self.note(test, "ok")
    def addSkip(self, test, why): self.note(test, "skipped")
    def addFailure(self, test, err): self.note(test, "FAIL", err)
    def addError(self, test, err): self.note(test, "ERROR", err)
    def addExpectedFailure(self, test, err): self.note(test, "fails as expected")


def tests(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from tests(t)
        elif "VSOCK" not in t.id():
            yield t


outcomes = Outcomes()
out, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
for m in modules:
    # Suites, not single tests: they set up what their classes and modules share.
    unittest.TestSuite(tests(unittest.defaultTestLoader.loadTestsFromName("test." + m))).run(outcomes)
print("\n".join(sorted(outcomes.lines)), "\n".join(outcomes.why), sep="\n", file=out)
P
