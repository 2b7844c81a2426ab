#include "model/catalogue.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "base/fields.h"
#include "model/pull/builtin_catalogue.h"
#include "model/pull/names.h"

namespace hearth::model {
namespace {

constexpr std::int64_t kBytesMax = std::int64_t{1} << 50;
constexpr std::int64_t kGibMax = 1 << 20;
constexpr std::uint64_t kGib = std::uint64_t{1} << 30;

/// A text that a person may read, within its bound.
Result<std::string> read_text(const Fields& fields, const char* name) {
  TRY(const std::string text, fields.text(name));
  if (!text.empty() && text.size() <= kCatalogueTextBytesMax && is_printable(text)) return text;
  return fields.wrong(name, "a text of 1 to " + std::to_string(kCatalogueTextBytesMax) +
                                " bytes without control characters is required");
}

Result<std::uint64_t> read_size(const Fields& fields, const char* name) {
  TRY(const auto size, fields.whole(name, {1, kBytesMax}));
  if (size) return static_cast<std::uint64_t>(*size);
  return fields.wrong(name, "is required");
}

Result<CatalogueEntry> read_entry(const Fields& fields) {
  CatalogueEntry entry;
  TRY(entry.name, read_text(fields, "name"));
  TRY(entry.repository, read_text(fields, "repository"));
  TRY(entry.file, read_text(fields, "file"));
  TRY(entry.licence, read_text(fields, "licence"));
  TRY(entry.size_bytes, read_size(fields, "size_bytes"));
  TRY(entry.memory_bytes, read_size(fields, "memory_bytes"));
  TRY(entry.title,
      fields.has("title") ? read_text(fields, "title") : Result<std::string>(entry.name));
  TRY(entry.sha256, fields.text_or("sha256", ""));
  TRY(const auto from, fields.whole_or("suggested_from_gib", 0, {0, kGibMax}));
  entry.suggested_from_gib = static_cast<std::uint32_t>(from);
  if (!is_model_name(entry.name))
    return fields.wrong("name",
                        "letters, digits and . - _ are allowed, and none of them first "
                        "but a letter or digit");
  if (!is_hub_path(entry.repository + "/" + entry.file) || !entry.file.ends_with(".gguf"))
    return fields.wrong("file", "owner/name and a .gguf file of the hub are required");
  if (!entry.sha256.empty() && !is_sha256(entry.sha256))
    return fields.wrong("sha256", "64 lower-case hex digits are required");
  return entry;
}

}  // namespace

const Catalogue& Catalogue::builtin() {
  static const Result<Catalogue> kOwn = parse(builtin_catalogue_json(), "the built-in catalogue");
  HEARTH_CHECK(kOwn.ok(), "the catalogue inside the program is valid");
  return kOwn.value();
}

Result<Catalogue> Catalogue::parse(std::string_view json, const std::string& what) {
  if (json.size() > kCatalogueBytesMax)
    return Error{Code::TooLarge, what + " is larger than 1 MiB"};
  TRY(const Json parsed, parse_json(json, what));
  TRY(const Fields top, Fields::of(parsed));
  if (!top.has("models")) return top.wrong("models", "is required");
  TRY(const Json* const models, top.array("models", kCatalogueEntriesMax));
  Catalogue catalogue;
  for (std::size_t i = 0; i < models->size(); ++i) {
    TRY(const Fields fields, Fields::of((*models)[i], "models[" + std::to_string(i) + "]"));
    TRY(auto entry, read_entry(fields));
    if (catalogue.find(entry.name)) return fields.wrong("name", "is there twice");
    catalogue.entries_.push_back(std::move(entry));
  }
  return catalogue;
}

Result<Catalogue> Catalogue::load(const std::string& path) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return builtin();
  std::ifstream in(path, std::ios::binary);
  std::string text(kCatalogueBytesMax + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    return Error{Code::Unavailable, path + " cannot be read"};
  text.resize(static_cast<std::size_t>(in.gcount()));
  return parse(text, path);
}

const CatalogueEntry* Catalogue::find(std::string_view name) const {
  const auto found =
      std::find_if(entries_.begin(), entries_.end(),
                   [&](const CatalogueEntry& entry) { return same_name(entry.name, name); });
  return found == entries_.end() ? nullptr : &*found;
}

const CatalogueEntry* Catalogue::suggest(std::uint64_t memory_bytes) const {
  const CatalogueEntry* best = nullptr;
  for (const CatalogueEntry& entry : entries_) {
    if (entry.suggested_from_gib == 0) continue;
    const bool fits = entry.suggested_from_gib * kGib / 10 * 9 <= memory_bytes;
    if (fits && (!best || entry.suggested_from_gib > best->suggested_from_gib)) best = &entry;
  }
  return best;
}

}  // namespace hearth::model
