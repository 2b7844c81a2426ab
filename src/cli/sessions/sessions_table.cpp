#include "cli/sessions/sessions_table.h"

#include "cli/sessions/message_text.h"
#include "cli/terminal/table.h"

namespace hearth::cli {

std::string sessions_table(const std::vector<SessionFacts>& sessions) {
  Table table;
  table.add_row({"NAME", "ID", "STATE", "MESSAGES", "LAST USED"});
  for (const SessionFacts& session : sessions)
    table.add_row({session.name.empty() ? "-" : one_line(session.name), one_line(session.id),
                   one_line(session.state), std::to_string(session.messages),
                   time_text(session.used_s)});
  return table.text();
}

}  // namespace hearth::cli
