#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "dialect/exchange.h"
#include "dialect/stream.h"
#include "net/client.h"
#include "net/url.h"

namespace hearth::model::remote {

/// One kind of provider: how it is spoken to.
struct Kind {
  const char* name;
  const char* url;           // its own address; "": it has none
  const char* key_variable;  // "": it needs no key
};
/// Null: there is none of that name.
const Kind* find_kind(std::string_view name);

/// How a question becomes a request, and what comes back an answer. Pure; any thread.
class Wire {
 public:
  virtual ~Wire() = default;
  /// Where a model is asked, below the base address ("/v1/messages").
  virtual std::string target(const std::string& model) const = 0;
  virtual net::Headers headers(const std::string& key) const = 0;
  virtual Result<dialect::Carried<Json>> write(const dialect::Ask& ask) const = 0;
  virtual std::unique_ptr<dialect::StreamReader> reader(const std::string& id_base) const = 0;
  virtual Result<dialect::Carried<dialect::Answer>> read(const Json& body,
                                                         const std::string& id_base) const = 0;
  virtual Error error(int status, std::string_view body) const = 0;
};

/// Errors: InvalidInput (no such kind).
Result<std::unique_ptr<Wire>> make_wire(const std::string& kind);

/// The base address, without a "/" at its end. Errors: InvalidInput (none was given, or it is no
/// address).
Result<net::Url> base_of(const Kind& kind, const std::string& url);

}  // namespace hearth::model::remote
