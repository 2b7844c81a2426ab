#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/errors.h"

/// Which paths exist and with which method. Pure.
namespace hearth::api {

enum class Endpoint : std::uint8_t {
  Chat,
  Completions,
  Embeddings,
  Models,
  OneModel,
  LoadModel,
  UnloadModel,
  ExplainRoute,
  ListCosts,
  ShowSpending,
  StopSpending,
  ReleaseSpending,
  ListSessions,
  CreateSession,
  ShowSession,
  DeleteSession,
  SessionMessages,
  SessionContext,
  ForkSession,
  CancelSession,
  ListApprovals,
  DecideApproval,
  ListTools,
  Search,
  Tokenize,
  Detokenize,
  AnthropicMessages,
  AnthropicCount,
  CreateResponse,
  ShowResponse,
  DeleteResponse,
  ResponseInput,
  CancelResponse,
  OllamaRoot,
  OllamaChat,
  OllamaGenerate,
  OllamaTags,
  OllamaShow,
  OllamaRunning,
  OllamaEmbed,
  OllamaEmbeddings,
  OllamaVersion,
  OllamaOther,
  Health,
  Ready,
  Metrics,
};

struct Route {
  enum class Match : std::uint8_t { Found, WrongMethod, Unknown };
  Match match = Match::Unknown;
  Endpoint endpoint = Endpoint::Health;  // meaningless when Unknown
  const char* pattern = "other";         // "/v1/models/{id}"; a bounded set, for metrics
  const char* method = "";               // that was found, or the first that is allowed
  std::string argument{};                // what stood for {id}; a model's may hold slashes
  std::string allowed{};                 // all methods, when WrongMethod: "GET, HEAD, DELETE"
};

/// HEAD counts as GET; net sends no body for it.
Route find_route(std::string_view method, std::string_view path);

/// Whose dialect is spoken at a path, known or not.
Face face_of(std::string_view path);

/// The method itself if it is a usual one, else "other": clients may invent any.
const char* method_label(std::string_view method);

}  // namespace hearth::api
