#include "model/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace hearth::model {
namespace {

using ::testing::HasSubstr;

constexpr std::uint64_t kGib = 1ull << 30;

TEST(Builtin, KnowsTheModelsOfTheGuides) {
  const auto& catalogue = Catalogue::builtin();
  for (const char* name :
       {"tinyllama-1.1b", "phi-3-mini", "mistral-7b", "qwen2.5-0.5b", "qwen2.5-1.5b", "qwen2.5-3b",
        "qwen2.5-7b", "qwen2.5-14b", "llama-3.2-1b", "llama-3.2-3b"})
    EXPECT_NE(catalogue.find(name), nullptr) << name;
  for (const auto& entry : catalogue.entries()) {
    EXPECT_GT(entry.memory_bytes, entry.size_bytes) << entry.name;
    EXPECT_EQ(entry.sha256, "") << "none is known for certain";
  }
  EXPECT_EQ(catalogue.find("Mistral-7B"), catalogue.find("mistral-7b"));
  EXPECT_EQ(catalogue.find("gpt-7"), nullptr);
}

TEST(Suggest, ByMemory) {
  const std::pair<std::uint64_t, const char*> kCases[] = {{2 * kGib, "qwen2.5-0.5b"},
                                                          {7 * kGib, "qwen2.5-0.5b"},
                                                          {8 * kGib, "qwen2.5-1.5b"},
                                                          {15 * kGib, "qwen2.5-3b"},
                                                          {16 * kGib, "qwen2.5-3b"},
                                                          {28 * kGib, "qwen2.5-3b"},
                                                          {32 * kGib, "qwen2.5-7b"},
                                                          {64 * kGib, "qwen2.5-14b"},
                                                          {512 * kGib, "qwen2.5-14b"},
                                                          {8 * kGib / 10 * 9, "qwen2.5-1.5b"},
                                                          {8 * kGib / 10 * 9 - 1, "qwen2.5-0.5b"}};
  for (const auto& [memory, name] : kCases) {
    const auto* const entry = Catalogue::builtin().suggest(memory);
    ASSERT_NE(entry, nullptr);
    EXPECT_EQ(entry->name, name) << memory;
    EXPECT_LT(entry->memory_bytes, memory);
  }
  EXPECT_EQ(Catalogue::builtin().suggest(kGib / 2), nullptr);
}

std::string entry(const std::string& fields) {
  return R"({"models":[{"name":"a","repository":"o/r","file":"f.gguf","licence":"MIT",)"
         R"("size_bytes":1,"memory_bytes":2)" +
         fields + "}]}";
}

TEST(Parse, ReadsWhatIsThere) {
  const auto got = Catalogue::parse(
      entry(R"(,"suggested_from_gib":8,"sha256":")" + std::string(64, 'b') + "\""), "c");
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().find("A")->title, "a");
  EXPECT_EQ(got.value().find("a")->sha256, std::string(64, 'b'));
  EXPECT_EQ(got.value().suggest(8 * kGib)->name, "a");
  EXPECT_TRUE(Catalogue::parse(R"({"models":[]})", "c").value().entries().empty());
}

TEST(Parse, NamesWhatIsWrong) {
  const std::pair<std::string, const char*> kCases[] = {
      {"", "c"},
      {"{}", "models"},
      {R"({"models":[1]})", "models[0]"},
      {R"({"models":[{}]})", "models[0].name"},
      {entry(R"(,"sha256":"abc")"), "models[0].sha256"},
      {entry(R"(,"suggested_from_gib":-1)"), "models[0].suggested_from_gib"},
      {entry(R"(,"size_bytes":0)"), "models[0].size_bytes"},
      {entry(R"(,"name":"../x")"), "models[0].name"},
      {entry(R"(,"file":"../f.gguf")"), "models[0].file"},
      {entry(R"(,"file":"f.bin")"), "models[0].file"},
      {entry(R"(,"repository":"o")"), "models[0].file"},
      {entry(R"(,"licence":"a\nb")"), "models[0].licence"},
      {entry(
           R"(},{"name":"A","repository":"o/r","file":"f.gguf","licence":"MIT","size_bytes":1,"memory_bytes":2)"),
       "models[1].name: is there twice"},
  };
  for (const auto& [text, words] : kCases) {
    SCOPED_TRACE(text);
    const auto got = Catalogue::parse(text, "c");
    ASSERT_FALSE(got.ok());
    EXPECT_EQ(got.error().code, Code::InvalidInput);
    EXPECT_THAT(got.error().message, HasSubstr(words));
  }
}

TEST(Parse, BoundsAreAtTheirEdges) {
  const std::string most(kCatalogueTextBytesMax, 'x');
  EXPECT_TRUE(Catalogue::parse(entry(R"(,"title":")" + most + "\""), "c").ok());
  EXPECT_FALSE(Catalogue::parse(entry(R"(,"title":")" + most + "x\""), "c").ok());
  const std::string padded = entry("");
  EXPECT_TRUE(
      Catalogue::parse(padded + std::string(kCatalogueBytesMax - padded.size(), ' '), "c").ok());
  EXPECT_EQ(Catalogue::parse(padded + std::string(kCatalogueBytesMax - padded.size() + 1, ' '), "c")
                .error()
                .code,
            Code::TooLarge);
}

TEST(Load, AFileIsReadInsteadOfTheOwn) {
  EXPECT_EQ(Catalogue::load("/nowhere/catalogue.json").value().entries().size(),
            Catalogue::builtin().entries().size());
  EXPECT_EQ(Catalogue::load("/").error().code, Code::Unavailable);
}

}  // namespace
}  // namespace hearth::model
