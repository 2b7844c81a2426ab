#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/fields.h"
#include "base/result.h"
#include "engine/schema/automaton.h"
#include "engine/schema/work.h"

namespace hearth::engine {

/// The types of JSON, one bit each. Whole numbers are numbers too.
enum TypeBit : std::uint8_t {
  kObjectType = 1,
  kArrayType = 2,
  kStringType = 4,
  kFractionType = 8,  // numbers that are not whole
  kIntegerType = 16,
  kBooleanType = 32,
  kNullType = 64,
  kNumberTypes = kFractionType | kIntegerType,
  kAllTypes = 127,
};

/// What several schemas together ask of one value. It points into their document.
struct Demands {
  /// Schemas that a value must fit all of. Two with the same are the same.
  using Schemas = std::vector<const Json*>;
  struct Property {
    std::string name;
    Schemas schemas{};
  };
  /// A choice between schemas. `exactly_one`: a value may fit no second one.
  struct Forms {
    Schemas list{};
    bool exactly_one = false;
    std::string place{};
  };
  struct Bound {
    Json value;
    bool is_open = false;  // the bound itself is not allowed
  };

  std::uint8_t types = kAllTypes;
  bool says_types = false;
  std::optional<std::vector<Json>> choices{};
  std::optional<Bound> low{}, high{};
  Lengths characters{}, items{};
  std::vector<std::string> patterns{}, formats{};
  std::vector<Property> properties{};
  std::set<std::string> required{};
  bool speaks_of_members = false;               // of an object, in any way
  bool is_closed = false;                       // no members but `properties`
  Schemas others{};                             // what the other members must be
  std::vector<std::set<std::string>> fences{};  // of each schema that allows no other members
  Schemas item{};
  std::vector<Schemas> tuple{};
  bool speaks_of_items = false;
  std::vector<Forms> forms{};

  /// What copying them takes, in steps of Work.
  std::size_t weight() const;
  /// False: no value can fit.
  bool may_fit() const { return types != 0 && (!choices || !choices->empty()); }
};

/// Reads schemas into demands. One document; one thread.
class DemandReader {
 public:
  /// `root` outlives what is read, and the others the reader. What the grammar will not keep is
  /// added to `loosened`, as "properties.a.multipleOf".
  DemandReader(const Json& root, std::vector<std::string>& loosened, Work& work)
      : root_(root), loosened_(loosened), work_(work) {}

  /// Adds what `schema` asks, and what it refers to. `place` is where it stands: "properties.a".
  /// Errors: InvalidInput (a keyword that is wrong, a reference that leads nowhere), with the
  /// place, TooLarge (the work is spent); without a field.
  Result<void> add(const Json& schema, const std::string& place, Demands& out);

  void loosen(const std::string& place, std::string_view why);
  Work& work() { return work_; }

 private:
  using Seen = std::set<const Json*>;
  struct At {
    const Json& schema;
    const std::string& place;
    Demands& out;
    Seen& seen;
  };
  Result<void> add(const Json& schema, const std::string& place, Demands& out, Seen& seen);
  Result<void> take(const std::string& key, const Json& value, const At& at);
  Result<void> take_reference(const Json& value, const At& at);
  Result<void> take_types(const Json& value, const At& at);
  Result<void> take_choices(const Json& value, const At& at);
  Result<void> take_bound(const std::string& key, const Json& value, const At& at);
  Result<void> take_count(const std::string& key, const Json& value, const At& at);
  Result<void> take_text(const std::string& key, const Json& value, const At& at);
  Result<void> take_forms(const std::string& key, const Json& value, const At& at);
  Result<void> take_items(const std::string& key, const Json& value, const At& at);
  Result<void> take_members(const At& at);

  const Json& root_;
  std::vector<std::string>& loosened_;
  Work& work_;
};

/// "a.b" of "a" and "b"; "b" of "" and "b".
std::string place_in(const std::string& place, const std::string& key);
/// {InvalidInput, "properties.a.minimum: a number is required"}.
Error schema_error(const std::string& place, const std::string& problem);

}  // namespace hearth::engine
