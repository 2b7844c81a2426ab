#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/regex.h"
#include "tools/schema.h"

namespace hearth::tools {

/// The types of JSON, one bit each.
enum TypeBit : std::uint8_t {
  kObject = 1,
  kArray = 2,
  kString = 4,
  kNumber = 8,
  kInteger = 16,
  kBoolean = 32,
  kNull = 64,
  kAnyType = 127,
};
inline constexpr std::pair<const char*, TypeBit> kTypeNames[] = {
    {"object", kObject},   {"array", kArray},     {"string", kString}, {"number", kNumber},
    {"integer", kInteger}, {"boolean", kBoolean}, {"null", kNull}};

/// What one value may be.
struct Schema::Node {
  struct Property {
    std::string name;
    std::unique_ptr<Node> node;
    bool is_required = false;
  };
  struct Bound {
    Json value;
    bool is_open = false;  // the bound itself is not allowed
  };
  struct Counts {
    std::size_t min = 0, max = std::numeric_limits<std::size_t>::max();
  };

  std::uint8_t types = kAnyType;
  std::vector<Property> properties{};
  bool takes_others = true;
  std::unique_ptr<Node> others{};  // null: anything
  std::unique_ptr<Node> items{};   // null: anything
  Counts item_count{}, characters{};
  std::optional<Bound> min{}, max{};
  std::vector<Json> choices{};             // empty: any
  std::optional<policy::Regex> pattern{};  // found somewhere
  std::optional<policy::Regex> format{};   // describes all of it
  std::string format_name{};
  std::vector<Node> forms{};  // empty: any
  bool exactly_one_form = false;
};

}  // namespace hearth::tools
