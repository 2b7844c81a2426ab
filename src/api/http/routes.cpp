#include "api/http/routes.h"

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
    {"/tokenize", "POST", Endpoint::Tokenize},
    {"/detokenize", "POST", Endpoint::Detokenize},
    {"/health", "GET", Endpoint::Health},
    {"/v1/health", "GET", Endpoint::Health},
    {"/health/ready", "GET", Endpoint::Ready},
    {"/metrics", "GET", Endpoint::Metrics},
};
constexpr std::string_view kOneModel = "/v1/models/";

Route::Match match_method(std::string_view allowed, std::string_view method) {
  const bool good = method == allowed || (allowed == "GET" && method == "HEAD");
  return good ? Route::Match::Found : Route::Match::WrongMethod;
}

}  // namespace

Route find_route(std::string_view method, std::string_view path) {
  for (const Row& row : kRows)
    if (path == row.path)
      return {match_method(row.method, method), row.endpoint, row.path, row.method};
  if (path.starts_with(kOneModel) && path.size() > kOneModel.size())
    return {match_method("GET", method), Endpoint::OneModel, "/v1/models/{id}", "GET",
            std::string(path.substr(kOneModel.size()))};
  return {};
}

const char* method_label(std::string_view method) {
  for (const char* known : {"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"})
    if (method == known) return known;
  return "other";
}

}  // namespace hearth::api
