#pragma once
#include <deque>
#include <string>
#include <vector>

#include "chat/generation.h"
#include "model/fake_model.h"

namespace hearth::model::fake {

/// The events of one answer, the last one included. Pure.
std::deque<chat::Event> make_events(const FakeModel::Options& options,
                                    const chat::Request& request);
/// True if the rule for `request` waits for step().
bool is_manual(const FakeModel::Options& options, const chat::Request& request);
/// 8 numbers of length 1.
std::vector<float> make_vector(const EmbedInput& input);
std::uint32_t count_tokens(const EmbedInput& input);

}  // namespace hearth::model::fake
