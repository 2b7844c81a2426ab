#pragma once
#include <string>
#include <vector>

namespace hearth::model::local {

/// The arguments that make this test program play an engine (see engine_double_test.cpp).
///
/// How it loads is the path of Load: "steady" is ready at once, "refused" says the file is corrupt,
/// "exits" ends, "stuck" says "42 %" and no more, "gate:PATH" says "42 %" and waits for one byte
/// from the FIFO at PATH: 'r' is ready, 'f' refused, 'x' exits. Then it answers by the text of each
/// plain prompt: "count N": N pieces "x"; "hang": starts and is silent; "wedge": the same, deaf to
/// Cancel; "wait": does not even start; "stop": stops its own process; "crash": starts, says one
/// piece, kills itself; "garbage": sends bytes that are no reply; "version": another protocol;
/// "fail": Failed{InvalidInput}. Embed gives (1, 0) for each input, but nothing for the text
/// "hang", and dies of "crash"; tokens are bytes.
std::vector<std::string> engine_double_arguments();

}  // namespace hearth::model::local
