#include "api/grpc/codes.h"

#include <gtest/gtest.h>

#include "store/store.h"

namespace hearth::api {
namespace {

TEST(GrpcCodes, EachCodeHasOne) {
  struct Case {
    Code code;
    grpc::StatusCode want;
  };
  const Case kCases[] = {
      {Code::InvalidInput, grpc::StatusCode::INVALID_ARGUMENT},
      {Code::NotFound, grpc::StatusCode::NOT_FOUND},
      {Code::Denied, grpc::StatusCode::PERMISSION_DENIED},
      {Code::TooLarge, grpc::StatusCode::INVALID_ARGUMENT},
      {Code::Busy, grpc::StatusCode::RESOURCE_EXHAUSTED},
      {Code::Timeout, grpc::StatusCode::DEADLINE_EXCEEDED},
      {Code::Cancelled, grpc::StatusCode::CANCELLED},
      {Code::Unavailable, grpc::StatusCode::UNAVAILABLE},
      {Code::Corrupt, grpc::StatusCode::DATA_LOSS},
      {Code::Internal, grpc::StatusCode::INTERNAL},
  };
  static_assert(std::size(kCases) == kCodeCount);
  for (const Case& c : kCases) {
    SCOPED_TRACE(code_name(c.code));
    EXPECT_EQ(grpc_status({c.code, "why", {}}).error_code(), c.want);
  }
}

TEST(GrpcCodes, AFullDiskIsNotTheCallersFault) {
  EXPECT_EQ(grpc_status({Code::TooLarge, "the disk is full", store::kDiskField}).error_code(),
            grpc::StatusCode::RESOURCE_EXHAUSTED);
}

TEST(GrpcCodes, TheMessageNamesTheField) {
  struct Case {
    Error error;
    const char* want;
  };
  const Case kCases[] = {
      {{Code::InvalidInput, "stop: is too long", "stop"}, "stop: is too long"},
      {{Code::InvalidInput, "is too long", "stop"}, "stop: is too long"},
      {{Code::Busy, "32 wait", ""}, "32 wait"},
      {{Code::NotFound, "no \xff here", ""}, "no \xEF\xBF\xBD here"},
  };
  for (const Case& c : kCases) EXPECT_EQ(grpc_status(c.error).error_message(), c.want);
  const std::string longest(2'048, 'a');
  EXPECT_EQ(grpc_status({Code::NotFound, longest, ""}).error_message(), longest);
  EXPECT_EQ(grpc_status({Code::NotFound, longest + "b", ""}).error_message(), longest + "…");
}

TEST(GrpcCodes, WhatAModelSaysOfMessagesIsAboutThePrompt) {
  struct Case {
    Error error;
    const char* want;
  };
  const Case kCases[] = {
      {{Code::TooLarge, "9000 tokens are above 2048", "messages"},
       "prompt: 9000 tokens are above 2048"},
      {{Code::TooLarge, "9000 tokens are above 2048", ""}, "prompt: 9000 tokens are above 2048"},
      {{Code::InvalidInput, "is empty", "messages[0].content"}, "prompt: is empty"},
      {{Code::InvalidInput, "is bad", "stop"}, "stop: is bad"},
      {{Code::Unavailable, "it crashed", ""}, "it crashed"},
  };
  for (const Case& c : kCases) EXPECT_EQ(grpc_model_status(c.error).error_message(), c.want);
}

TEST(GrpcCodes, TheGateRefusesWithTwo) {
  EXPECT_EQ(grpc_gate_status({401, "token", "", {}, {}, 0}).error_code(),
            grpc::StatusCode::UNAUTHENTICATED);
  EXPECT_EQ(grpc_gate_status({403, "host", "", {}, {}, 0}).error_code(),
            grpc::StatusCode::PERMISSION_DENIED);
}

TEST(GrpcCodes, NamesAreThoseOfTheirDocuments) {
  EXPECT_STREQ(grpc_code_name(grpc::StatusCode::OK), "OK");
  EXPECT_STREQ(grpc_code_name(grpc::StatusCode::UNAUTHENTICATED), "UNAUTHENTICATED");
  EXPECT_STREQ(grpc_code_name(static_cast<grpc::StatusCode>(17)), "UNKNOWN");
  EXPECT_STREQ(grpc_code_name(static_cast<grpc::StatusCode>(-1)), "UNKNOWN");
}

}  // namespace
}  // namespace hearth::api
