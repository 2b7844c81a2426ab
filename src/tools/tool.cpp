#include "tools/tool.h"

namespace hearth::tools {

Result<std::string> Tool::preview(const Call&, const Job&) const { return std::string(); }

}  // namespace hearth::tools
