#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace hearth::model {

/// A model that can be had by its name. Sizes are approximate: what counts is what its server says.
struct CatalogueEntry {
  std::string name;        // "qwen2.5-1.5b"
  std::string title;       // "Qwen2.5 1.5B Instruct, Q4_K_M"
  std::string repository;  // on the hub: "Qwen/Qwen2.5-1.5B-Instruct-GGUF"
  std::string file;        // in it
  std::string licence;
  std::uint64_t size_bytes = 0;
  std::uint64_t memory_bytes = 0;  // that it needs with a conversation of some thousand tokens
  std::string sha256{};            // 64 hex digits; empty: what the hub says counts
  std::uint32_t suggested_from_gib = 0;  // memory of a machine that it suits; 0: not suggested
};

// Bounds of a catalogue.
inline constexpr std::size_t kCatalogueBytesMax = 1024 * 1024;
inline constexpr std::size_t kCatalogueEntriesMax = 1'024;
inline constexpr std::size_t kCatalogueTextBytesMax = 256;  // of each of its texts

/// Models by name, in the order of the file. Immutable.
class Catalogue {
 public:
  /// What this program knows.
  static const Catalogue& builtin();
  /// {"models": [{"name", "title", "repository", "file", "licence", "size_bytes", "memory_bytes",
  /// "sha256", "suggested_from_gib"}]}; the last two and the title may be left out. Safe on any
  /// bytes. Errors: InvalidInput (names the field; a name that is there twice; a file that is no
  /// GGUF), TooLarge (a bound above).
  static Result<Catalogue> parse(std::string_view json, const std::string& what);
  /// The file at `path` if there is one, else builtin(). Errors: parse()'s; Unavailable (it cannot
  /// be read).
  static Result<Catalogue> load(const std::string& path);

  const std::vector<CatalogueEntry>& entries() const { return entries_; }
  /// nullptr: it has none of that name. Upper and lower case are the same.
  const CatalogueEntry* find(std::string_view name) const;
  /// The largest that suits a machine with so much memory, nullptr when none does. Of what machines
  /// are sold with, a tenth may be missing.
  const CatalogueEntry* suggest(std::uint64_t memory_bytes) const;

 private:
  std::vector<CatalogueEntry> entries_{};
};

}  // namespace hearth::model
