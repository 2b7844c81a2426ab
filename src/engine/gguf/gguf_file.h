#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/gguf/byte_source.h"

namespace hearth::engine {

// Bounds of a file's header; all well above what models have.
inline constexpr std::uint64_t kGgufKeysMax = 65'536;
inline constexpr std::uint64_t kGgufTensorsMax = 65'536;
inline constexpr std::uint64_t kGgufKeyBytesMax = 65'535;
inline constexpr std::uint64_t kGgufStringBytesMax = 16 * 1024 * 1024;
inline constexpr std::uint64_t kGgufArrayItemsMax = 16 * 1024 * 1024;
inline constexpr std::size_t kGgufTensorNameBytesMax = 63;  // GGML_MAX_NAME less the end
inline constexpr std::uint64_t kGgufKeptItemsMax = 1'024;   // of an array of numbers

/// What a metadata value is. Source: ggml/docs/gguf.md, gguf_metadata_value_type.
enum class GgufType : std::uint32_t {
  Uint8,
  Int8,
  Uint16,
  Int16,
  Uint32,
  Int32,
  Float32,
  Bool,
  String,
  Array,
  Uint64,
  Int64,
  Float64
};

/// One metadata value. Arrays of strings, and long ones, are checked and counted but not kept.
struct GgufValue {
  GgufType type = GgufType::Uint32;  // of the items when is_array
  bool is_array = false;
  std::uint64_t count = 1;
  std::string text{};                 // a single String
  std::vector<double> numbers{};      // Float32, Float64
  std::vector<std::int64_t> whole{};  // all other numbers; Uint64 above INT64_MAX is clamped
};

struct GgufTensor {
  std::string name;
  std::uint32_t dimensions = 0;          // 1..4
  std::array<std::uint64_t, 4> shape{};  // each >= 1
  std::uint32_t type = 0;                // see tensor_type()
  std::uint64_t elements = 0, bytes = 0;
  std::uint64_t offset = 0;  // from the beginning of the data
};

/// How a tensor's numbers are stored. Source: ggml/include/ggml.h, enum ggml_type.
struct GgufTensorType {
  std::uint32_t id;
  const char* name;
  std::uint32_t block_elements, block_bytes;
};
/// Null for a type that no file may hold.
const GgufTensorType* tensor_type(std::uint32_t id);

/// A GGUF file's header, checked: each tensor has a known type, a whole number of blocks a row, its
/// place right behind the one before it, and lies inside the file.
struct GgufFile {
  std::uint32_t version = 0;
  std::map<std::string, GgufValue, std::less<>> values;
  std::vector<GgufTensor> tensors;
  std::uint64_t bytes = 0;
  bool tokens_are_unique = true;  // no text stands twice in tokenizer.ggml.tokens

  const GgufValue* find(std::string_view key) const;
  /// The value if it is there and a single one of that kind.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::int64_t> whole(std::string_view key) const;
  std::optional<bool> flag(std::string_view key) const;
};

/// Errors: InvalidInput (not GGUF, an unsupported version or type), Corrupt (cut short,
/// inconsistent), TooLarge (a bound above). Source: ggml/docs/gguf.md; ggml/src/gguf.cpp,
/// gguf_init_from_reader.
Result<GgufFile> read_gguf(const ByteSource& source);

}  // namespace hearth::engine
