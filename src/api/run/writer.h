#pragma once
#include <string>
#include <vector>

#include "api/run/choice.h"
#include "net/http.h"

namespace hearth::api {

/// How one endpoint writes an answer to HTTP: whole, or in pieces. Each dialect has its own. One
/// for each answer; one thread at a time; must not block.
class Writer {
 public:
  virtual ~Writer() = default;

  /// The model has taken the prompt; said before anything is written. `started` may tell of another
  /// model than the one that was named.
  virtual void start(const chat::Started& started) = 0;
  /// Whether the choices of a stream keep what was said, as those of a whole answer do.
  virtual bool needs_messages() const { return false; }

  virtual net::Response whole(const std::vector<Choice>& choices) = 0;
  /// In place of an answer of which nothing was sent yet.
  virtual net::Response refusal(const Error& error) = 0;

  // The pieces of a stream as they are sent; an empty text is not.
  virtual net::Headers stream_headers() const = 0;
  /// Before a choice's first delta.
  virtual std::string opening(const Choice& choice, const chat::Delta* first) = 0;
  /// `choice` as it was before this delta.
  virtual std::string piece(const Choice& choice, const chat::Delta& delta) = 0;
  /// Behind a choice's last delta. `choices`: all of the answer.
  virtual std::string closing(const Choice& choice, const std::vector<Choice>& choices) = 0;
  /// Behind all choices.
  virtual std::string ending(const std::vector<Choice>& choices) = 0;
  /// The end of a stream that broke off.
  virtual std::string breakage(const Error& error) = 0;
};

/// Headers of Server-Sent Events.
net::Headers event_stream_headers();

}  // namespace hearth::api
