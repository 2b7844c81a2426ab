#pragma once
#include <string>
#include <string_view>

#include "tools/schema_parts/node.h"

namespace hearth::tools {

/// Turns a schema's JSON into nodes, within Schema's bounds.
class Schema::Compiler {
 public:
  /// `path` is where `json` stands, for errors.
  Result<void> compile(const Json& json, const std::string& path, int depth, Node& node);

 private:
  struct At {
    const std::string& path;
    int depth;
    Node& node;
  };
  Result<void> take(const std::string& key, const Json& value, const At& at);
  Result<void> take_types(const Json& value, const std::string& path, Node& node);
  Result<void> take_properties(const Json& value, const std::string& path, const At& at);
  Result<void> take_required(const Json& value, const std::string& path, Node& node);
  Result<void> take_others(const Json& value, const std::string& path, const At& at);
  Result<void> take_forms(const std::string& key, const Json& value, const std::string& path,
                          const At& at);
  Result<void> take_choices(const std::string& key, const Json& value, const std::string& path,
                            Node& node);
  Result<void> take_bound(const std::string& key, const Json& value, const std::string& path,
                          Node& node);
  Result<void> take_count(const std::string& key, const Json& value, const std::string& path,
                          Node& node);
  Result<void> take_text(const std::string& key, const Json& value, const std::string& path,
                         Node& node);
  Result<std::unique_ptr<Node>> child(const Json& value, const std::string& path, int depth);

  std::size_t nodes_ = 0;
};

}  // namespace hearth::tools
