#!/usr/bin/env python3
"""The checks are checked: each rule catches its bad example and lets a good one pass."""
import contextlib
import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from checks import built, coroutines, layers, lengths, tour, words  # noqa: E402
from checks.tree import Tree, strip_cpp  # noqa: E402

ROOMS = {
    "src/base/CMakeLists.txt": "hearth_room(base EXTERNAL x::y)",
    "src/net/CMakeLists.txt": "hearth_room(net DEPENDS base EXTERNAL hearth_boost)",
    "src/api/CMakeLists.txt": "hearth_room(api DEPENDS base net)",
}


@contextlib.contextmanager
def tree(files):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files.items():
            path = pathlib.Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield Tree(folder)


def faults(check, files, *arguments):
    with tree(files) as built_tree:
        return list(check(built_tree, *arguments))


class Case(unittest.TestCase):
    def caught(self, check, files, needle):
        found = faults(check, files)
        self.assertEqual(len(found), 1, found)
        self.assertIn(needle, found[0])

    def passes(self, check, files):
        self.assertEqual(faults(check, files), [])


class Strip(unittest.TestCase):
    def test_hides_comments_and_strings_and_keeps_lines(self):
        text = 'a; // throw\nb("throw \\" throw");\n/* throw\nthrow */ c\'x\';\n'
        code = strip_cpp(text)
        self.assertNotIn("throw", code)
        self.assertEqual(code.count("\n"), text.count("\n"))

    def test_raw_strings_and_digit_separators(self):
        code = strip_cpp('auto x = R"q(throw ")" {)q"; int n = 1\'000; int m = 2\'000; f();')
        self.assertNotIn("throw", code)
        self.assertIn("f();", code)
        self.assertIn("int m", code)


class Layers(Case):
    def test_upward_include(self):
        self.caught(layers.check, ROOMS | {"src/base/a.h": '#include "net/b.h"\n'},
                    "src/base/a.h:1: base may not include net")

    def test_sideways_include_that_is_not_declared(self):
        files = dict(ROOMS)
        files["src/api/CMakeLists.txt"] = "hearth_room(api DEPENDS base)"
        self.caught(layers.check, files | {"src/api/a.cpp": '\n#include "net/b.h"\n'}, ":2: api")

    def test_private_include(self):
        self.caught(layers.check, ROOMS | {"src/api/a.cpp": '#include "net/wire/b.h"\n'},
                    "net/wire/b.h is private to net")

    def test_app_may_look_in(self):
        files = ROOMS | {"src/app/CMakeLists.txt": "hearth_room(app DEPENDS net)"}
        self.passes(layers.check, files | {"src/app/a.cpp": '#include "net/wire/b.h"\n'})

    def test_downward_and_own_includes(self):
        self.passes(layers.check, ROOMS | {
            "src/net/a.cpp": '#include "net/wire/b.h"\n#include "base/c.h"\n#include <vector>\n'})

    def test_commented_include(self):
        self.passes(layers.check, ROOMS | {"src/base/a.h": '// #include "net/b.h"\n'})

    def test_cycle(self):
        files = dict(ROOMS)
        files["src/base/CMakeLists.txt"] = "hearth_room(base DEPENDS api)"
        self.caught(layers.check, files, "depend on each other: api -> base -> api")

    def test_library_behind_another_door(self):
        self.caught(layers.check, ROOMS | {"src/api/a.cpp": "#include <boost/asio.hpp>\n"},
                    "belongs to net alone")

    def test_library_of_one_folder(self):
        code = "#include <grpcpp/grpcpp.h>\n"
        self.passes(layers.check, ROOMS | {"src/api/grpc/a.cpp": code})
        self.caught(layers.check, ROOMS | {"src/api/a.cpp": code}, "belongs to api/grpc alone")

    def test_folder_without_room(self):
        self.caught(layers.check, ROOMS | {"src/extra/a.cpp": "int x;\n"}, "src/extra is no room")

    def test_main_opens_the_first_door(self):
        self.passes(layers.check, ROOMS | {"src/main.cpp": '#include "api/a.h"\n'})

    def test_nothing_to_read(self):
        self.caught(layers.check, {}, "no rooms found")


def body(lines, head="void f() {"):
    """A function of `lines` lines, brace to brace."""
    return head + "\n" + "  g();\n" * (lines - 2) + "}\n"


class Lengths(Case):
    def test_function_at_and_over_the_limit(self):
        self.passes(lengths.check, {"src/a.cpp": body(70)})
        self.caught(lengths.check, {"src/a.cpp": body(71)}, "src/a.cpp:1: a function of 71 lines")

    def test_a_table_in_a_test_may_be_longer(self):
        self.passes(lengths.check, {"src/a_test.cpp": body(150)})
        self.caught(lengths.check, {"src/a_test.cpp": body(151)}, "at most 150")

    def test_heads(self):
        for head in ("int A::f(int x) const noexcept {", "auto f = [&](int x) mutable {",
                     "auto f = [=] {", "A::A() : x_(1), y_{2} {",
                     "A::A(int a)\n    : x_{a},\n  y_{} {",
                     "auto f() -> std::vector<int> {", "TEST(Some, Test) {",
                     "void f() REQUIRES(m) {",
                     "template <class T> requires std::integral<T> T f(T t) {",
                     "#define X {\nvoid f() {", "f(T{1}, [x](int y) {"):
            found = faults(lengths.check, {"src/a.cpp": body(71, head)})
            self.assertEqual(len(found), 1, (head, found))

    def test_what_is_no_function(self):
        for head in ("namespace a {", "class B final : public C<int> {", "struct D {",
                     "enum class E : int {", "const int kTable[] = {", "class CAPABILITY(1) M {",
                     'extern "C" {', "inline namespace v1 {"):
            self.passes(lengths.check, {"src/a.cpp": body(200, head)})

    def test_methods_are_measured_inside_their_class(self):
        text = "namespace n {\nclass A {\n public:\n" + body(71, "  void f() {") + "};\n}\n"
        self.caught(lengths.check, {"src/a.cpp": text}, "src/a.cpp:4: a function of 71 lines")

    def test_second_function_is_measured(self):
        self.caught(lengths.check, {"src/a.cpp": body(5) + body(71)}, "src/a.cpp:6:")

    def test_file_limits(self):
        for name, limit in (("a.h", 300), ("a.cpp", 600), ("a_test.cpp", 800)):
            self.passes(lengths.check, {"src/" + name: "int x;\n" * limit})
            self.caught(lengths.check, {"src/" + name: "int x;\n" * (limit + 1)},
                        f"{limit + 1} lines, at most {limit}")

    def test_columns(self):
        for name, limit in (("a.sh", 100), ("a.py", 120)):
            self.passes(lengths.check, {name: "x = 1  # " + "y" * (limit - 9) + "\n"})
            self.caught(lengths.check, {name: "x = 1  # " + "y" * (limit - 8) + "\n"},
                        f"{limit + 1} columns")
        self.passes(lengths.check, {"a.sh": "HASH=" + "f" * 128 + "\n"})

    def test_readme(self):
        room = {"src/base/CMakeLists.txt": "hearth_room(base)"}
        self.caught(lengths.check_readmes, room, "missing")
        self.passes(lengths.check_readmes, room | {"src/base/README.md": "x\n" * 30})
        self.caught(lengths.check_readmes, room | {"src/base/README.md": "x\n" * 31},
                    "more than 30")


class Coroutines(Case):
    def test_caught(self):
        for line in ("co_await send(Response{.status = 400});", "co_await f({a, b});",
                     "co_await co_spawn(pool, [p = std::move(p)] { p(); }, use);",
                     "auto x = co_await f(\n    Req{s, x});", "co_await f([this]() { g(); });"):
            self.caught(coroutines.check, {"src/a.cpp": line + "\n"}, "name the temporary")

    def test_passes(self):
        for line in ("co_await send(response);", "co_await f(std::move(x), g(y), Req(s));",
                     "auto [a, b] = co_await f(names[0]);", "co_await f([] { return 1; });",
                     "// co_await f(Req{});", "for (;;) { co_await f(x); g(Req{1}); }"):
            self.passes(coroutines.check, {"src/a.cpp": line + "\n"})


class Words(Case):
    def test_caught(self):
        for line in ("throw 1;", "std::thread t;", "t.detach();", "try { f(); } catch (...) {}",
                     "int n = atoi(text);", "using namespace std;"):
            self.caught(words.check, {"src/a.cpp": line + "\n"}, "src/a.cpp:1")

    def test_passes(self):
        for line in ("// throw", 'log("throw");', "std::jthread t;", "rethrow();",
                     "std::thread::hardware_concurrency();", "catch (const E& e) { log(e); }"):
            self.passes(words.check, {"src/a.cpp": line + "\n"})

    def test_sleep_only_in_tests(self):
        line = "std::this_thread::sleep_for(1s);\n"
        self.passes(words.check, {"src/a.cpp": line})
        self.caught(words.check, {"src/a_test.cpp": line}, "waits for a condition")

    def test_todo_needs_an_issue(self):
        mark = "TO" + "DO"
        self.passes(words.check_texts, {"a.md": mark + "(#12): later\n"})
        self.caught(words.check_texts, {"a.md": mark + ": later\n"}, "without an issue")
        self.caught(words.check_texts, {"a.cpp": "// FIX" + "ME(me) later\n"}, "without an issue")

    def test_registry_hosts(self):
        self.caught(words.check_texts, {"a.json": '"https://registry.' + 'npmjs.org/x"\n'}, "host")
        self.passes(words.check_texts, {"a.md": "npm pack fetches the package\n"})


class Built(Case):
    def test_file_that_nobody_compiles(self):
        with tree({"src/a.cpp": "", "src/b.cpp": "", "src/c.h": ""}) as built_tree:
            commands = built_tree.root / "compile_commands.json"
            commands.write_text(json.dumps(
                [{"directory": str(built_tree.root / "build"), "file": "../src/a.cpp"}]))
            self.assertEqual(list(built.check(built_tree, commands)),
                             ["src/b.cpp:1: no target compiles this file"])

    def test_no_build(self):
        found = faults(built.check, {"src/a.cpp": ""}, "/nowhere/compile_commands.json")
        self.assertIn("missing", found[0])


class Tour(Case):
    CODE = {"src/net/a.cpp": "void serve(int x) { Wire w; w.read(); }\n// imagined()\n",
            "src/api/b.cpp": "struct Chat { void run(); };\n"}

    def page(self, text):
        return self.CODE | {tour.PAGE: text}

    def test_passes(self):
        self.passes(tour.check,
                    self.page("`src/net/a.cpp`: `serve()`.\n\n`Chat::run()`, `run()`\n"))
        self.passes(tour.check, self.page("The folder `src/net`.\n"))

    def test_missing_file(self):
        self.caught(tour.check, self.page("\n`src/net/gone.cpp`\n"), ":2: src/net/gone.cpp")

    def test_missing_function(self):
        self.caught(tour.check, self.page("calls `imagined()`\n"), "imagined() is not in src")
        self.caught(tour.check, self.page("calls `Other::run()`\n"), "Other::run() is not in src")

    def test_function_of_another_file(self):
        self.caught(tour.check, self.page("`src/net/a.cpp` has `run()`\n"), "its paragraph")

    def test_no_page_and_empty_page(self):
        self.caught(tour.check, self.CODE, "missing")
        self.caught(tour.check, self.page("Words only.\n"), "points at things")


def main():
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=1).run(suite)
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
