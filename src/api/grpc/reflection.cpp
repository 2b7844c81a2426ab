#include "api/grpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <set>
#include <utility>

#include "api/grpc/library.h"
#include "api/grpc/services.h"
#include "base/check.h"

namespace hearth::api {
namespace {

using google::protobuf::DescriptorPool;
using google::protobuf::FileDescriptor;
using Question = grpc::reflection::v1::ServerReflectionRequest;
using Reply = grpc::reflection::v1::ServerReflectionResponse;

constexpr const auto& kOlderFile =
    ::descriptor_table_grpc_2freflection_2fv1alpha_2freflection_2eproto;

/// With what it imports, each once.
void add_file(const FileDescriptor& file, std::set<const FileDescriptor*>& seen, Reply& reply) {
  if (!seen.insert(&file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  reply.mutable_file_descriptor_response()->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file.dependency_count(); ++i) add_file(*file.dependency(i), seen, reply);
}

void add_nothing(const std::string& what, Reply& reply) {
  reply.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  reply.mutable_error_response()->set_error_message(what + " is not known");
}

void add_file_or_nothing(const FileDescriptor* file, const std::string& asked, Reply& reply) {
  std::set<const FileDescriptor*> seen;
  if (file)
    add_file(*file, seen, reply);
  else
    add_nothing(asked, reply);
}

/// One client that looks. gRPC holds it until the call has ended.
class Look final : public grpc::ServerBidiReactor<Question, Reply> {
 public:
  Look(const std::vector<std::string>& services, std::unique_ptr<Calls::Ticket> ticket,
       std::optional<grpc::Status> refused)
      : services_(services), ticket_(std::move(ticket)) {
    if (refused)
      end(*refused);
    else
      StartRead(&question_);
  }

  void OnReadDone(bool ok) override {
    if (!ok) return end(grpc::Status::OK);
    reply_ = reflect(services_, question_);
    StartWrite(&reply_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return end(grpc::Status::CANCELLED);
    StartRead(&question_);
  }
  void OnDone() override { delete this; }

 private:
  void end(const grpc::Status& status) {
    ticket_->note(status.error_code());
    Finish(status);
  }

  const std::vector<std::string>& services_;
  const std::unique_ptr<Calls::Ticket> ticket_;
  Question question_{};
  Reply reply_{};
};

template <class Base>
class Reflection final : public Base {
 public:
  Reflection(std::vector<std::string> services, const Door& door, Calls& calls)
      : services_(std::move(services)), door_(door), calls_(calls) {}

  grpc::ServerBidiReactor<Question, Reply>* ServerReflectionInfo(
      grpc::CallbackServerContext* context) override {
    auto ticket = calls_.open("ServerReflectionInfo");
    auto refused = door_.refuse(*context, *ticket, Door::Work::Look);
    return new Look(services_, std::move(ticket), std::move(refused));
  }

 private:
  const std::vector<std::string> services_;
  const Door& door_;
  Calls& calls_;
};

}  // namespace

Reply reflect(const std::vector<std::string>& services, const Question& question) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  Reply reply;
  reply.set_valid_host(question.host());
  *reply.mutable_original_request() = question;
  switch (question.message_request_case()) {
    case Question::kListServices:
      // A file without messages is linked in by nothing but this.
      HEARTH_CHECK(pool.FindFileByName(kOlderFile.filename), "reflection knows itself");
      for (const std::string& name : services)
        reply.mutable_list_services_response()->add_service()->set_name(name);
      break;
    case Question::kFileByFilename:
      add_file_or_nothing(pool.FindFileByName(question.file_by_filename()),
                          question.file_by_filename(), reply);
      break;
    case Question::kFileContainingSymbol:
      add_file_or_nothing(pool.FindFileContainingSymbol(question.file_containing_symbol()),
                          question.file_containing_symbol(), reply);
      break;
    case Question::kFileContainingExtension:  // proto3 has none
      add_nothing("an extension of " + question.file_containing_extension().containing_type(),
                  reply);
      break;
    case Question::kAllExtensionNumbersOfType:
      if (pool.FindMessageTypeByName(question.all_extension_numbers_of_type()))
        reply.mutable_all_extension_numbers_response()->set_base_type_name(
            question.all_extension_numbers_of_type());
      else
        add_nothing(question.all_extension_numbers_of_type(), reply);
      break;
    case Question::MESSAGE_REQUEST_NOT_SET:
      reply.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      reply.mutable_error_response()->set_error_message("nothing was asked");
      break;
  }
  return reply;
}

std::vector<std::unique_ptr<grpc::Service>> reflection_services(std::vector<std::string> services,
                                                                const Door& door, Calls& calls) {
  using V1 = grpc::reflection::v1::ServerReflection::CallbackService;
  using Older = grpc::reflection::v1alpha::ServerReflection::CallbackService;
  std::vector<std::unique_ptr<grpc::Service>> made;
  made.push_back(std::make_unique<Reflection<V1>>(services, door, calls));
  made.push_back(std::make_unique<Reflection<Older>>(std::move(services), door, calls));
  return made;
}

}  // namespace hearth::api
