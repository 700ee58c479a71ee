#!/usr/bin/env python3
"""The layer rule: base <- contract <- {timetable, ledger, handler} <- run <- cli <- main; jobs/ sees base and contract."""
import unittest

from house import ROOT, includes, listed, sources

MAY_SEE = {
    "base": {"base"},
    "contract": {"base", "contract"},
    "timetable": {"base", "contract", "timetable"},
    "ledger": {"base", "contract", "ledger"},
    "handler": {"base", "contract", "handler"},
    "run": {"base", "contract", "timetable", "ledger", "handler", "run"},
    "cli": {"base", "contract", "timetable", "ledger", "handler", "run", "cli"},
    "main.cpp": {"base", "contract", "timetable", "ledger", "handler", "run", "cli"},
    "jobs": {"base", "contract", "jobs"},
}
ALLOWED_ASIDE = {("handler", "jobs/registry.hpp")}
GENERATED = {"ledger/schema_sql.hpp"}


def layer_of(path):
    parts = path.split("/")
    return parts[1] if parts[0] == "src" else parts[0]


def faults(files):
    found = []
    for path, text in files.items():
        layer = layer_of(path)
        for line, name, quoted in includes(text):
            if not quoted:
                continue
            where = f"{path}:{line}: \"{name}\""
            if layer not in MAY_SEE:
                found.append(f"{where}: {layer} is no layer")
            elif "/" not in name or name.startswith(("../", "./", "src/")) or "/../" in name:
                found.append(f"{where}: is not written from src/")
            elif name.split("/")[0] not in MAY_SEE[layer] and (layer, name) not in ALLOWED_ASIDE:
                found.append(f"{where}: {layer} must not see {name.split('/')[0]}")
    return found


class Layers(unittest.TestCase):
    def test_includes_are_written_from_src_and_point_down_only(self):
        found = faults(sources())
        self.assertFalse(found, listed(found))

    def test_every_included_file_of_ours_is_there(self):
        found = [f"{path}:{line}: {name}" for path, text in sources().items()
                 for line, name, quoted in includes(text)
                 if quoted and name not in GENERATED and not (ROOT / "src" / name).is_file()
                 and not (ROOT / name).is_file()]
        self.assertFalse(found, listed(found))

    def test_folders_of_src_are_layers_one_level_deep(self):
        found = [path for path in sources("src")
                 if layer_of(path) not in MAY_SEE or path.count("/") > 2]
        self.assertFalse(found, listed(found))

    def test_a_header_is_included_first_by_its_own_source(self):
        found = []
        files = sources("src")
        for path, text in files.items():
            header = path[:-4] + ".hpp"
            ours = [name for _, name, quoted in includes(text) if quoted]
            if path.endswith(".cpp") and header in files and ours and ours[0] != header[len("src/"):]:
                found.append(f"{path}: begins with {ours[0]}")
        self.assertFalse(found, listed(found))

    def test_a_planted_leak_is_found(self):
        for path, name in [("src/base/x.cpp", "contract/retry.hpp"), ("src/ledger/x.cpp", "handler/child.hpp"),
                           ("src/handler/x.cpp", "ledger/runs.hpp"), ("src/run/x.hpp", "cli/screen.hpp"),
                           ("jobs/x.cpp", "ledger/runs.hpp"), ("src/run/x.cpp", "jobs/registry.hpp"),
                           ("src/run/x.cpp", "loop.hpp"), ("src/run/x.cpp", "../run/loop.hpp")]:
            with self.subTest(path=path, name=name):
                self.assertEqual(1, len(faults({path: f'#include <string>\n#include "{name}"\n'})))
        self.assertFalse(faults({"src/handler/x.cpp": '#include "jobs/registry.hpp"\n'}))
        self.assertFalse(faults({"src/base/x.cpp": '// #include "run/loop.hpp"\n'}))


if __name__ == "__main__":
    unittest.main()
