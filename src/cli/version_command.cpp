#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/context.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  hearth version
  hearth version --json | jq -r .version)";

#if defined(__clang__)
constexpr const char* kCompiler = "Clang " __clang_version__;
#else
constexpr const char* kCompiler = "GCC " __VERSION__;
#endif

int print_version(bool as_json) {
  if (as_json) {
    const nlohmann::ordered_json facts = {{"version", HEARTH_VERSION},
                                          {"compiler", kCompiler},
                                          {"build_type", HEARTH_BUILD_TYPE},
                                          {"march", HEARTH_MARCH},
                                          {"llama_cpp", HEARTH_LLAMA_RELEASE}};
    std::cout << facts.dump(2) << "\n";
    return kDone;
  }
  std::cout << "hearth " << HEARTH_VERSION << "\nbuilt with " << kCompiler << ", "
            << HEARTH_BUILD_TYPE << ", -march=" << HEARTH_MARCH << "\nllama.cpp "
            << HEARTH_LLAMA_RELEASE << "\n";
  return kDone;
}

}  // namespace

void add_version_command(CLI::App& root, Context& context) {
  const auto as_json = std::make_shared<bool>(false);
  add_command(root, context, "version", "Say which Hearth this is and how it was built", kFooter,
              [as_json] { return print_version(*as_json); })
      ->add_flag("--json", *as_json, "One JSON object");
}

}  // namespace hearth::cli
