#include "api/http/errors.h"

#include <gtest/gtest.h>

#include "store/store.h"

namespace hearth::api {
namespace {

TEST(HttpErrors, ForEachCode) {
  struct Case {
    Code code;
    int status;
    const char* type;
  };
  const Case kCases[] = {
      {Code::InvalidInput, 400, "invalid_request_error"},
      {Code::NotFound, 404, "invalid_request_error"},
      {Code::Denied, 403, "permission_error"},
      {Code::TooLarge, 413, "invalid_request_error"},
      {Code::Busy, 429, "rate_limit_error"},
      {Code::Timeout, 504, "server_error"},
      {Code::Cancelled, 499, "server_error"},
      {Code::Unavailable, 503, "server_error"},
      {Code::Corrupt, 500, "server_error"},
      {Code::Internal, 500, "server_error"},
  };
  static_assert(std::size(kCases) == kCodeCount);
  for (const Case& c : kCases) {
    SCOPED_TRACE(code_name(c.code));
    const HttpError shown = http_error({c.code, "why", "name"});
    EXPECT_EQ(shown.status, c.status);
    EXPECT_EQ(shown.type, c.type);
    EXPECT_EQ(shown.field, "name");
    EXPECT_EQ(shown.message, "why");
  }
}

TEST(HttpErrors, APromptThatDoesNotFitIsTheClients) {
  const HttpError whole = model_error({Code::TooLarge, "too long"}, "messages");
  EXPECT_EQ(whole.status, 400);
  EXPECT_EQ(whole.code, "context_length_exceeded");
  EXPECT_EQ(whole.field, "messages");
  EXPECT_EQ(model_error({Code::TooLarge, "too long", "stop[0]"}, "messages").code, "");
  EXPECT_EQ(model_error({Code::Busy, "full"}, "messages").status, 429);
}

TEST(HttpErrors, EachDialectSaysThemItsWay) {
  struct Case {
    Error error;
    int anthropic;
    const char* type;
    int ollama;
  };
  const Case kCases[] = {{{Code::InvalidInput, "why"}, 400, "invalid_request_error", 400},
                         {{Code::NotFound, "why"}, 404, "not_found_error", 404},
                         {{Code::TooLarge, "why"}, 413, "request_too_large", 413},
                         {{Code::Busy, "why"}, 429, "rate_limit_error", 503},
                         {{Code::Unavailable, "why"}, 529, "overloaded_error", 503},
                         {{Code::Timeout, "why"}, 504, "timeout_error", 504},
                         {{Code::Internal, "why"}, 500, "api_error", 500}};
  for (const Case& c : kCases) {
    SCOPED_TRACE(code_name(c.error.code));
    const net::Response anthropic = error_response(http_error(c.error), Face::Anthropic);
    EXPECT_EQ(anthropic.status, c.anthropic);
    EXPECT_EQ(anthropic.body, std::string(R"({"type":"error","error":{"type":")") + c.type +
                                  R"(","message":"why"}})");
    const net::Response ollama = error_response(http_error(c.error), Face::Ollama);
    EXPECT_EQ(ollama.status, c.ollama);
    EXPECT_EQ(ollama.body, R"({"error":"why"})");
  }
  EXPECT_EQ(error_response(status_error(401, "no"), Face::Anthropic).body,
            R"({"type":"error","error":{"type":"authentication_error","message":"no"}})");
}

TEST(HttpErrors, AFullDiskIsNobodysMistake) {
  const Error full{Code::TooLarge, "the store cannot write: disk is full", store::kDiskField};
  for (const HttpError& shown : {http_error(full), model_error(full, "messages")}) {
    EXPECT_EQ(shown.status, 507);
    EXPECT_EQ(shown.type, "server_error");
    EXPECT_EQ(shown.code, "insufficient_storage");
    EXPECT_EQ(shown.field, "");
  }
}

}  // namespace
}  // namespace hearth::api
