#include "store/effects.h"

#include "store/testing/fixture.h"

namespace hearth::store {
namespace {

using State = Effect::State;
using ::testing::HasSubstr;
using testing::soon;

constexpr EffectClass kClasses[] = {EffectClass::Reads, EffectClass::Writes, EffectClass::Runs,
                                    EffectClass::Sends};

class EffectsTest : public testing::StoreFixture {
 protected:
  EffectsTest() : session_(new_session()) {}
  Effects effects() { return {*store_, time_}; }
  ToolRun run(EffectClass effect, const std::string& call_id = "call_1") const {
    return {.session_id = session_,
            .turn = 3,
            .call_id = call_id,
            .tool = "tool",
            .arguments = "{\"a\": 1}",
            .effect = effect};
  }
  std::vector<Effect> all() { return effects().of_turn(soon(), session_, 3).value(); }

  const std::string session_;
};

TEST_F(EffectsTest, WhatWasDoneIsNotDoneAgainButItsResultIsThere) {
  const auto begun = effects().intend(soon(), run(EffectClass::Sends)).value();
  EXPECT_TRUE(begun.may_run);
  EXPECT_EQ(begun.effect.state, State::Intended);
  ASSERT_TRUE(effects().finish(soon(), begun.effect.id, std::string("a\0b", 3)).ok());
  reopen();
  const auto again = effects().intend(soon(), run(EffectClass::Sends)).value();
  EXPECT_FALSE(again.may_run);
  EXPECT_EQ(again.effect.id, begun.effect.id);
  EXPECT_EQ(again.effect.state, State::Done);
  EXPECT_EQ(again.effect.result, std::string("a\0b", 3));
  EXPECT_EQ(again.effect.run.arguments, "{\"a\": 1}");
  EXPECT_EQ(again.effect.created_ms, time_.ms());
  EXPECT_EQ(again.effect.ended_ms, time_.ms());
  EXPECT_EQ(all().size(), 1u);
}

TEST_F(EffectsTest, AnEndIsSaidOnce) {
  const auto id = effects().intend(soon(), run(EffectClass::Writes)).value().effect.id;
  ASSERT_TRUE(effects().fail(soon(), id, "no such file").ok());
  EXPECT_EQ(all()[0].state, State::Failed);
  EXPECT_EQ(all()[0].result, "no such file");
  for (const auto& again : {effects().finish(soon(), id, ""), effects().fail(soon(), id, "")}) {
    EXPECT_EQ(again.error().code, Code::InvalidInput);
    EXPECT_THAT(again.error().message, HasSubstr("already failed"));
  }
  EXPECT_EQ(effects().finish(soon(), id + 1, "").error().code, Code::NotFound);
}

/// The heart of it: after a crash only what changes nothing may be run again.
TEST_F(EffectsTest, WhatACrashCutOffIsUncertainUnlessItOnlyReads) {
  for (const EffectClass effect : kClasses)
    ASSERT_TRUE(effects().intend(soon(), run(effect, effect_class_name(effect))).value().may_run);
  reopen();
  time_.advance(Millis(7));
  EXPECT_EQ(effects().mark_uncertain(soon()).value(), 3u);
  EXPECT_EQ(effects().mark_uncertain(soon()).value(), 0u);
  for (const EffectClass effect : kClasses) {
    SCOPED_TRACE(effect_class_name(effect));
    const auto again = effects().intend(soon(), run(effect, effect_class_name(effect))).value();
    const bool reads = effect == EffectClass::Reads;
    EXPECT_EQ(again.may_run, reads);
    EXPECT_EQ(again.effect.state, reads ? State::Intended : State::Uncertain);
    EXPECT_EQ(effects().finish(soon(), again.effect.id, "").ok(), reads);
    EXPECT_EQ(again.effect.ended_ms, reads ? std::nullopt : std::optional(time_.ms()));
  }
}

/// Even where no restart came between, a call that may be running is not run beside.
TEST_F(EffectsTest, ACallThatMayBeRunningIsNotRunBeside) {
  ASSERT_TRUE(effects().intend(soon(), run(EffectClass::Runs)).value().may_run);
  EXPECT_FALSE(effects().intend(soon(), run(EffectClass::Runs)).value().may_run);
}

TEST_F(EffectsTest, BoundsAreSaidWithTheirField) {
  const auto changed = [&](auto change) {
    ToolRun bad = run(EffectClass::Runs, "edge");
    change(bad);
    return effects().intend(soon(), bad);
  };
  const std::string name(Effects::kNameBytesMax, 'x'), text(Effects::kTextBytesMax, 'x');
  ASSERT_TRUE(effects().intend(soon(), run(EffectClass::Runs)).ok());
  const std::tuple<Result<Effects::Begun>, Code, const char*> kBad[] = {
      {changed([](ToolRun& r) { r.call_id = ""; }), Code::InvalidInput, "call_id"},
      {changed([](ToolRun& r) { r.tool = ""; }), Code::InvalidInput, "tool"},
      {changed([](ToolRun& r) { r.session_id = "none"; }), Code::NotFound, ""},
      {changed([&](ToolRun& r) { r.call_id = name + "x"; }), Code::TooLarge, "call_id"},
      {changed([&](ToolRun& r) { r.tool = name + "x"; }), Code::TooLarge, "tool"},
      {changed([&](ToolRun& r) { r.arguments = text + "x"; }), Code::TooLarge, "arguments"},
      {changed([](ToolRun& r) { r.call_id = "call_1", r.arguments = "{}"; }), Code::InvalidInput,
       "call_id"},
      {changed([](ToolRun& r) { r.call_id = "call_1", r.tool = "b"; }), Code::InvalidInput,
       "call_id"}};
  for (const auto& [got, code, field] : kBad) {
    ASSERT_FALSE(got.ok()) << field;
    EXPECT_EQ(got.error().code, code);
    EXPECT_EQ(got.error().field, field);
  }
  const auto most =
      changed([&](ToolRun& r) { r.call_id = name, r.tool = name, r.arguments = text; });
  ASSERT_TRUE(most.ok());
  ASSERT_TRUE(effects().finish(soon(), most.value().effect.id, text + "x").ok());
  EXPECT_EQ(all().back().result.size(), Effects::kTextBytesMax);
}

}  // namespace
}  // namespace hearth::store
