#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>
#include <set>

namespace hearth {
namespace {

Result<int> half(int number) {
  if (number % 2 != 0) return Error{Code::InvalidInput, "odd", "number"};
  return number / 2;
}

Result<int> quarter(int number) {
  TRY(const int once, half(number));
  TRY(const int twice, half(once));
  return twice;
}

Result<void> must_be_even(int number) {
  TRY_VOID(half(number).ok() ? ok() : Result<void>(Error{Code::Denied, "refused"}));
  return ok();
}

TEST(Result, HoldsAValueOrAnError) {
  const auto good = half(4);
  ASSERT_TRUE(good.ok());
  EXPECT_EQ(good.value(), 2);

  const auto bad = half(3);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Code::InvalidInput);
  EXPECT_EQ(bad.error().message, "odd");
  EXPECT_EQ(bad.error().field, "number");
}

TEST(Result, TryPassesTheValueOn) { EXPECT_EQ(quarter(8).value(), 2); }

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(quarter(7).error().field, "number");
  EXPECT_EQ(quarter(6).error().message, "odd");
}

TEST(Result, TryVoidReturnsTheError) {
  EXPECT_TRUE(must_be_even(2).ok());
  EXPECT_EQ(must_be_even(1).error().code, Code::Denied);
}

TEST(Result, MovesWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made(std::make_unique<int>(7));
  const std::unique_ptr<int> taken = std::move(made).value();
  EXPECT_EQ(*taken, 7);
}

TEST(Result, MovesItsErrorOut) {
  Result<void> failed(Error{Code::Busy, "full"});
  const Error error = std::move(failed).error();
  EXPECT_EQ(error.message, "full");
}

TEST(CodeName, IsUniqueForEachCode) {
  std::set<std::string> names;
  for (int i = 0; i < kCodeCount; ++i) names.insert(code_name(static_cast<Code>(i)));
  EXPECT_EQ(names.size(), kCodeCount);
  EXPECT_STREQ(code_name(Code::InvalidInput), "InvalidInput");
  EXPECT_STREQ(code_name(Code::Internal), "Internal");
}

}  // namespace
}  // namespace hearth
