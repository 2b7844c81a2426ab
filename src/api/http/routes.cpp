#include "api/http/routes.h"

#include <optional>

namespace hearth::api {
namespace {

struct Row {
  const char* path;
  const char* method;
  Endpoint endpoint;
};
constexpr Row kRows[] = {
    {"/v1/chat/completions", "POST", Endpoint::Chat},
    {"/v1/completions", "POST", Endpoint::Completions},
    {"/v1/embeddings", "POST", Endpoint::Embeddings},
    {"/v1/models", "GET", Endpoint::Models},
    {"/v1/models/{id}", "GET", Endpoint::OneModel},
    {"/v1/models/{id}/load", "POST", Endpoint::LoadModel},
    {"/v1/models/{id}/unload", "POST", Endpoint::UnloadModel},
    {"/v1/route", "POST", Endpoint::ExplainRoute},
    {"/v1/costs", "GET", Endpoint::ListCosts},
    {"/v1/spending", "GET", Endpoint::ShowSpending},
    {"/v1/spending/stop", "POST", Endpoint::StopSpending},
    {"/v1/spending/release", "POST", Endpoint::ReleaseSpending},
    {"/v1/sessions", "GET", Endpoint::ListSessions},
    {"/v1/sessions", "POST", Endpoint::CreateSession},
    {"/v1/sessions/{id}", "GET", Endpoint::ShowSession},
    {"/v1/sessions/{id}", "DELETE", Endpoint::DeleteSession},
    {"/v1/sessions/{id}/messages", "GET", Endpoint::SessionMessages},
    {"/v1/sessions/{id}/context", "GET", Endpoint::SessionContext},
    {"/v1/sessions/{id}/fork", "POST", Endpoint::ForkSession},
    {"/v1/sessions/{id}/cancel", "POST", Endpoint::CancelSession},
    {"/v1/approvals", "GET", Endpoint::ListApprovals},
    {"/v1/approvals/{id}", "POST", Endpoint::DecideApproval},
    {"/v1/tools", "GET", Endpoint::ListTools},
    {"/v1/search", "GET", Endpoint::Search},
    {"/v1/messages", "POST", Endpoint::AnthropicMessages},
    {"/v1/messages/count_tokens", "POST", Endpoint::AnthropicCount},
    {"/v1/responses", "POST", Endpoint::CreateResponse},
    {"/v1/responses/{id}", "GET", Endpoint::ShowResponse},
    {"/v1/responses/{id}", "DELETE", Endpoint::DeleteResponse},
    {"/v1/responses/{id}/input_items", "GET", Endpoint::ResponseInput},
    {"/v1/responses/{id}/cancel", "POST", Endpoint::CancelResponse},
    {"/", "GET", Endpoint::OllamaRoot},
    {"/api/chat", "POST", Endpoint::OllamaChat},
    {"/api/generate", "POST", Endpoint::OllamaGenerate},
    {"/api/tags", "GET", Endpoint::OllamaTags},
    {"/api/show", "POST", Endpoint::OllamaShow},
    {"/api/ps", "GET", Endpoint::OllamaRunning},
    {"/api/embed", "POST", Endpoint::OllamaEmbed},
    {"/api/embeddings", "POST", Endpoint::OllamaEmbeddings},
    {"/api/version", "GET", Endpoint::OllamaVersion},
    {"/api/pull", "POST", Endpoint::OllamaOther},
    {"/api/push", "POST", Endpoint::OllamaOther},
    {"/api/create", "POST", Endpoint::OllamaOther},
    {"/api/copy", "POST", Endpoint::OllamaOther},
    {"/api/delete", "DELETE", Endpoint::OllamaOther},
    {"/api/blobs/{id}", "POST", Endpoint::OllamaOther},
    {"/api/blobs/{id}", "HEAD", Endpoint::OllamaOther},
    {"/tokenize", "POST", Endpoint::Tokenize},
    {"/detokenize", "POST", Endpoint::Detokenize},
    {"/health", "GET", Endpoint::Health},
    {"/v1/health", "GET", Endpoint::Health},
    {"/health/ready", "GET", Endpoint::Ready},
    {"/metrics", "GET", Endpoint::Metrics},
};
constexpr std::string_view kArgument = "{id}";

/// What stands for {id} in `path`, or "" for a pattern without one; nullopt if it is another path.
/// At the end of a pattern it may hold slashes, as names of models do, if `slashes`.
std::optional<std::string> match(std::string_view pattern, std::string_view path, bool slashes) {
  const auto at = pattern.find(kArgument);
  if (at == std::string_view::npos)
    return path == pattern ? std::optional<std::string>("") : std::nullopt;
  const std::string_view before = pattern.substr(0, at), behind = pattern.substr(at + 4);
  if (path.size() <= before.size() + behind.size() || !path.starts_with(before) ||
      !path.ends_with(behind))
    return std::nullopt;
  path.remove_prefix(before.size());
  path.remove_suffix(behind.size());
  if (!slashes && path.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(path);
}

bool is_method(std::string_view allowed, std::string_view method) {
  return method == allowed || (allowed == "GET" && method == "HEAD");
}

}  // namespace

Route find_route(std::string_view method, std::string_view path) {
  Route other;
  for (const Row& row : kRows) {
    const bool names_model = row.endpoint == Endpoint::OneModel ||
                             row.endpoint == Endpoint::LoadModel ||
                             row.endpoint == Endpoint::UnloadModel;
    const auto argument = match(row.path, path, names_model);
    if (!argument) continue;
    Route route{Route::Match::Found, row.endpoint, row.path, row.method, *argument};
    if (is_method(row.method, method)) return route;
    if (other.match == Route::Match::Unknown) other = route;
    other.match = Route::Match::WrongMethod;
    other.allowed += (other.allowed.empty() ? "" : ", ") + std::string(row.method);
    if (row.method == std::string_view("GET")) other.allowed += ", HEAD";
  }
  return other;
}

Face face_of(std::string_view path) {
  constexpr std::string_view kMessages = "/v1/messages";
  if (path.starts_with("/api/")) return Face::Ollama;
  if (path == kMessages || path.starts_with(std::string(kMessages) + "/")) return Face::Anthropic;
  return Face::OpenAi;
}

const char* method_label(std::string_view method) {
  for (const char* known : {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
    if (method == known) return known;
  return "other";
}

}  // namespace hearth::api
