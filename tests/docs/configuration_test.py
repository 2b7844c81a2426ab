#!/usr/bin/env python3
"""configuration_test.py PROGRAM [--write]: docs/configuration.md shows exactly the file that
`hearth config init` writes. --write puts it in."""
import pathlib
import re
import subprocess
import sys
import tempfile

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "configuration.md"
BLOCK = re.compile(r"(?<=^```toml\n).*?(?=^```$)", re.M | re.S)


def example(program):
    """What `config init` writes."""
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "hearth.toml")
        subprocess.run([program, "--config", str(file), "config", "init"], check=True,
                       stdout=subprocess.DEVNULL, timeout=60)
        return file.read_text()


def main():
    written, page = example(sys.argv[1]), PAGE.read_text()
    if "--write" in sys.argv:
        PAGE.write_text(BLOCK.sub(lambda _: written, page, count=1))
        return 0
    shown = BLOCK.search(page)
    same = shown is not None and shown.group(0) == written
    if not same:
        print(f"{PAGE.name} differs from `hearth config init`; run this test with --write")
    print("1 passed, 0 failed" if same else "0 passed, 1 failed")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
