// Runs a fuzz target over files instead of libFuzzer's inventions: `<name>_fuzz FOLDER...`. The
// empty input is always among them. A target that finds a fault aborts, as it does under libFuzzer.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

void feed(const std::string& bytes) {
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

int main(int argc, char** argv) {
  int passed = 1;
  feed("");
  for (int i = 1; i < argc; ++i) {
    std::error_code absent;
    for (const auto& entry : std::filesystem::directory_iterator(argv[i], absent)) {
      if (!entry.is_regular_file()) continue;
      // Said before it runs, so that an abort names its input.
      std::fprintf(stderr, "%s\n", entry.path().c_str());
      feed(read(entry.path()));
      ++passed;
    }
  }
  std::printf("%d passed, 0 failed\n", passed);
  return 0;
}
