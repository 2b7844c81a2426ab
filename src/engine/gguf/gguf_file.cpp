#include "engine/gguf/gguf_file.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <set>

namespace hearth::engine {
namespace {

constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint64_t kAlignmentMax = 64 * 1024 * 1024;

constexpr GgufTensorType kTensorTypes[] = {
    {0, "F32", 1, 4},         {1, "F16", 1, 2},         {2, "Q4_0", 32, 18},
    {3, "Q4_1", 32, 20},      {6, "Q5_0", 32, 22},      {7, "Q5_1", 32, 24},
    {8, "Q8_0", 32, 34},      {9, "Q8_1", 32, 36},      {10, "Q2_K", 256, 84},
    {11, "Q3_K", 256, 110},   {12, "Q4_K", 256, 144},   {13, "Q5_K", 256, 176},
    {14, "Q6_K", 256, 210},   {15, "Q8_K", 256, 292},   {16, "IQ2_XXS", 256, 66},
    {17, "IQ2_XS", 256, 74},  {18, "IQ3_XXS", 256, 98}, {19, "IQ1_S", 256, 50},
    {20, "IQ4_NL", 32, 18},   {21, "IQ3_S", 256, 110},  {22, "IQ2_S", 256, 82},
    {23, "IQ4_XS", 256, 136}, {24, "I8", 1, 1},         {25, "I16", 1, 2},
    {26, "I32", 1, 4},        {27, "I64", 1, 8},        {28, "F64", 1, 8},
    {29, "IQ1_M", 256, 56},   {30, "BF16", 1, 2},       {34, "TQ1_0", 256, 54},
    {35, "TQ2_0", 256, 66},   {39, "MXFP4", 32, 17},    {40, "NVFP4", 64, 36},
    {41, "Q1_0", 128, 18},    {42, "Q2_0", 64, 18},
};

Error corrupt(std::string problem) {
  return {Code::Corrupt, "the model file " + std::move(problem)};
}
Error too_large(std::string problem) {
  return {Code::TooLarge, "the model file " + std::move(problem)};
}

/// `name` for a sentence: printable, quoted and not too long.
std::string quoted(std::string_view name) {
  std::string result = "\"";
  for (const char c : name.substr(0, 80)) result += c >= 0x20 && c < 0x7f ? c : '?';
  result += '"';
  return result;
}

std::uint64_t size_of(GgufType type) {
  switch (type) {
    case GgufType::Uint8:
    case GgufType::Int8:
    case GgufType::Bool: return 1;
    case GgufType::Uint16:
    case GgufType::Int16: return 2;
    case GgufType::Uint32:
    case GgufType::Int32:
    case GgufType::Float32: return 4;
    case GgufType::Uint64:
    case GgufType::Int64:
    case GgufType::Float64: return 8;
    case GgufType::String:
    case GgufType::Array: return 0;
  }
  return 0;
}

/// `bytes` little-endian, of `type`, as a whole number.
std::int64_t whole_from(GgufType type, std::uint64_t bits) {
  switch (type) {
    case GgufType::Int8: return static_cast<std::int8_t>(bits);
    case GgufType::Int16: return static_cast<std::int16_t>(bits);
    case GgufType::Int32: return static_cast<std::int32_t>(bits);
    case GgufType::Bool: return bits != 0 ? 1 : 0;
    case GgufType::Uint64:
      return static_cast<std::int64_t>(
          std::min<std::uint64_t>(bits, std::numeric_limits<std::int64_t>::max()));
    default: return static_cast<std::int64_t>(bits);
  }
}

class Reader {
 public:
  explicit Reader(const ByteSource& source) : source_(source), cursor_(source) {}

  Result<GgufFile> read() {
    file_.bytes = source_.size();
    TRY_VOID(read_magic());
    TRY(const std::uint64_t tensors, cursor_.u64());
    TRY(const std::uint64_t keys, cursor_.u64());
    if (tensors > kGgufTensorsMax) return too_large("claims more than 65536 tensors");
    if (keys > kGgufKeysMax) return too_large("claims more than 65536 metadata keys");
    for (std::uint64_t i = 0; i < keys; ++i) TRY_VOID(read_pair());
    TRY_VOID(read_alignment());
    for (std::uint64_t i = 0; i < tensors; ++i) TRY_VOID(read_tensor());
    TRY_VOID(check_places());
    return std::move(file_);
  }

 private:
  Result<void> read_magic() {
    char magic[4] = {};
    if (source_.size() < sizeof(magic))
      return Error{Code::InvalidInput, "the file is not a GGUF model file"};
    TRY_VOID(cursor_.take(magic, sizeof(magic)));
    if (std::memcmp(magic, "GGUF", 4) != 0)
      return Error{Code::InvalidInput, "the file is not a GGUF model file"};
    TRY(file_.version, cursor_.u32());
    if (file_.version == 2 || file_.version == 3) return ok();
    if ((file_.version & 0xffff) == 0) {
      return Error{Code::InvalidInput, "the model file is for big-endian machines"};
    }
    return Error{Code::InvalidInput, "the model file is GGUF version " +
                                         std::to_string(file_.version) + "; 2 and 3 are supported"};
  }

  Result<std::string> read_string(std::uint64_t bytes_max, const char* what) {
    TRY(const std::uint64_t bytes, cursor_.u64());
    if (bytes > cursor_.left()) return corrupt("is cut short");
    if (bytes > bytes_max) {
      return too_large(std::string("has a ") + what + " of more than " + std::to_string(bytes_max) +
                       " bytes");
    }
    std::string text(static_cast<std::size_t>(bytes), '\0');
    TRY_VOID(cursor_.take(text.data(), text.size()));
    return text;
  }

  Result<void> read_pair() {
    TRY(const std::string key, read_string(kGgufKeyBytesMax, "metadata key"));
    if (key.empty()) return corrupt("has a metadata key without a name");
    TRY(const GgufType type, read_type(key));
    GgufValue value{.type = type};
    if (type == GgufType::Array) {
      TRY_VOID(read_array(key, value));
    } else if (type == GgufType::String) {
      TRY(value.text, read_string(kGgufStringBytesMax, "string"));
    } else {
      TRY_VOID(read_number(value));
    }
    if (!file_.values.emplace(key, std::move(value)).second) {
      return corrupt("has the metadata key " + quoted(key) + " twice");
    }
    return ok();
  }

  Result<GgufType> read_type(const std::string& key) {
    TRY(const std::uint32_t type, cursor_.u32());
    if (type > static_cast<std::uint32_t>(GgufType::Float64)) {
      return corrupt("has a value of unknown type " + std::to_string(type) + " under " +
                     quoted(key));
    }
    return static_cast<GgufType>(type);
  }

  Result<void> read_array(const std::string& key, GgufValue& value) {
    value.is_array = true;
    TRY(value.type, read_type(key));
    TRY(value.count, cursor_.u64());
    if (value.type == GgufType::Array)
      return corrupt("has an array of arrays under " + quoted(key));
    if (value.count > kGgufArrayItemsMax) {
      return too_large("has an array of more than 16777216 items under " + quoted(key));
    }
    if (value.type == GgufType::String) return read_strings(key, value.count);
    const std::uint64_t kept = std::min(value.count, kGgufKeptItemsMax);
    for (std::uint64_t i = 0; i < kept; ++i) TRY_VOID(read_number(value));
    return cursor_.skip((value.count - kept) * size_of(value.type));
  }

  Result<void> read_strings(const std::string& key, std::uint64_t count) {
    // Two tokens of one text make llama.cpp abort; 64 bits of hash tell them apart well enough.
    std::vector<std::size_t> seen;
    for (std::uint64_t i = 0; i < count; ++i) {
      TRY(const std::string text, read_string(kGgufStringBytesMax, "string"));
      if (key == "tokenizer.ggml.tokens" && !text.empty())
        seen.push_back(std::hash<std::string>{}(text));
    }
    std::sort(seen.begin(), seen.end());
    if (std::adjacent_find(seen.begin(), seen.end()) != seen.end()) file_.tokens_are_unique = false;
    return ok();
  }

  Result<void> read_number(GgufValue& value) {
    std::uint64_t bits = 0;
    TRY_VOID(cursor_.take(reinterpret_cast<char*>(&bits),
                          static_cast<std::size_t>(size_of(value.type))));
    if (value.type == GgufType::Float32) {
      value.numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    } else if (value.type == GgufType::Float64) {
      value.numbers.push_back(std::bit_cast<double>(bits));
    } else {
      value.whole.push_back(whole_from(value.type, bits));
    }
    return ok();
  }

  Result<void> read_alignment() {
    const GgufValue* value = file_.find("general.alignment");
    if (!value) return ok();
    const bool fits = !value->is_array && value->type == GgufType::Uint32;
    const std::uint64_t alignment = fits ? static_cast<std::uint64_t>(value->whole[0]) : 0;
    if (!std::has_single_bit(alignment) || alignment > kAlignmentMax) {
      return corrupt("has an alignment that is not a power of two");
    }
    alignment_ = alignment;
    return ok();
  }

  Result<void> read_tensor() {
    GgufTensor tensor;
    TRY(tensor.name, read_string(kGgufTensorNameBytesMax, "tensor name"));
    if (tensor.name.empty()) return corrupt("has a tensor without a name");
    if (!names_.insert(tensor.name).second)
      return corrupt("has the tensor " + quoted(tensor.name) + " twice");
    TRY(tensor.dimensions, cursor_.u32());
    if (tensor.dimensions < 1 || tensor.dimensions > 4) {
      return corrupt("has the tensor " + quoted(tensor.name) + " of " +
                     std::to_string(tensor.dimensions) + " dimensions; 1 to 4 are possible");
    }
    tensor.shape.fill(1);
    for (std::uint32_t i = 0; i < tensor.dimensions; ++i) {
      TRY(tensor.shape[i], cursor_.u64());
    }
    TRY(tensor.type, cursor_.u32());
    TRY(tensor.offset, cursor_.u64());
    TRY_VOID(measure(tensor));
    file_.tensors.push_back(std::move(tensor));
    return ok();
  }

  Result<void> measure(GgufTensor& tensor) const {
    constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
    const GgufTensorType* type = tensor_type(tensor.type);
    if (!type) {
      return Error{Code::InvalidInput, "the model file stores the tensor " + quoted(tensor.name) +
                                           " in the unknown type " + std::to_string(tensor.type)};
    }
    tensor.elements = 1;
    for (const std::uint64_t length : tensor.shape) {
      if (length == 0 || length > kMost / tensor.elements) {
        return corrupt("has the tensor " + quoted(tensor.name) + " with an impossible shape");
      }
      tensor.elements *= length;
    }
    if (tensor.shape[0] % type->block_elements != 0) {
      return corrupt("has the tensor " + quoted(tensor.name) +
                     " whose rows are not whole blocks of " + type->name);
    }
    const std::uint64_t blocks = tensor.elements / type->block_elements;
    if (blocks > kMost / type->block_bytes) {
      return corrupt("has the tensor " + quoted(tensor.name) + " with an impossible shape");
    }
    tensor.bytes = blocks * type->block_bytes;
    return ok();
  }

  /// llama.cpp wants each tensor at the next aligned place, so none can overlap.
  Result<void> check_places() const {
    if (file_.tensors.empty()) return ok();
    const std::uint64_t begin = aligned(cursor_.position());
    if (begin > file_.bytes) return corrupt("is cut short");
    const std::uint64_t room = file_.bytes - begin;
    std::uint64_t next = 0;
    for (const GgufTensor& tensor : file_.tensors) {
      if (tensor.offset % alignment_ != 0)
        return corrupt("has the tensor " + quoted(tensor.name) + " at an unaligned place");
      if (tensor.offset > room || tensor.bytes > room - tensor.offset) {
        return corrupt("is cut short: the tensor " + quoted(tensor.name) + " ends behind its end");
      }
      if (tensor.offset != next) {
        return corrupt("has the tensor " + quoted(tensor.name) +
                       " out of its place, or over another");
      }
      next = aligned(tensor.offset + tensor.bytes);
    }
    return ok();
  }

  std::uint64_t aligned(std::uint64_t place) const {
    return (place + alignment_ - 1) & ~(alignment_ - 1);
  }

  const ByteSource& source_;
  ByteCursor cursor_;
  GgufFile file_{};
  std::set<std::string> names_{};
  std::uint64_t alignment_ = kDefaultAlignment;
};

}  // namespace

const GgufTensorType* tensor_type(std::uint32_t id) {
  const auto* found = std::find_if(std::begin(kTensorTypes), std::end(kTensorTypes),
                                   [id](const GgufTensorType& type) { return type.id == id; });
  return found == std::end(kTensorTypes) ? nullptr : found;
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = values.find(key);
  return found == values.end() ? nullptr : &found->second;
}

std::optional<std::string> GgufFile::text(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value || value->is_array || value->type != GgufType::String) return std::nullopt;
  return value->text;
}

std::optional<std::int64_t> GgufFile::whole(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value || value->is_array || value->whole.size() != 1 || value->type == GgufType::Bool)
    return std::nullopt;
  return value->whole[0];
}

std::optional<bool> GgufFile::flag(std::string_view key) const {
  const GgufValue* value = find(key);
  if (!value || value->is_array || value->type != GgufType::Bool) return std::nullopt;
  return value->whole[0] != 0;
}

Result<GgufFile> read_gguf(const ByteSource& source) { return Reader(source).read(); }

}  // namespace hearth::engine
