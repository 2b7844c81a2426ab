#include "api/grpc/library_log.h"

#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>

#include <string>

#include "base/log.h"

namespace hearth::api {
namespace {

void take_grpc_line(gpr_log_func_args* line) { log::debug("grpc: {}", line->message); }

/// Its lines name fields, never what is in them.
void take_protobuf_line(google::protobuf::LogLevel level, const char* /*file*/, int /*line*/,
                        const std::string& message) {
  if (level >= google::protobuf::LOGLEVEL_WARNING) log::debug("protobuf: {}", message);
}

}  // namespace

void keep_libraries_quiet() {
  gpr_set_log_function(take_grpc_line);
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  google::protobuf::SetLogHandler(take_protobuf_line);
}

}  // namespace hearth::api
