#include "api/grpc/reflection.h"

#include <google/protobuf/descriptor.pb.h>
#include <gtest/gtest.h>

#include "aios/runtime.pb.h"

namespace hearth::api {
namespace {

using Question = grpc::reflection::v1::ServerReflectionRequest;

grpc::reflection::v1::ServerReflectionResponse ask(const std::function<void(Question&)>& fill) {
  aios::runtime::Empty();  // links the description in
  Question question;
  question.set_host("h");
  fill(question);
  return reflect({"one.Service", "two.Service"}, question);
}

TEST(Reflect, ListsTheServicesAndRepeatsTheQuestion) {
  const auto reply = ask([](Question& q) { q.set_list_services(""); });
  EXPECT_EQ(reply.valid_host(), "h");
  EXPECT_EQ(reply.original_request().message_request_case(), Question::kListServices);
  ASSERT_EQ(reply.list_services_response().service_size(), 2);
  EXPECT_EQ(reply.list_services_response().service(1).name(), "two.Service");
}

TEST(Reflect, GivesTheFileOfANameOrASymbol) {
  const std::function<void(Question&)> kQuestions[] = {
      [](Question& q) { q.set_file_by_filename("aios/runtime.proto"); },
      [](Question& q) { q.set_file_containing_symbol("aios.runtime.AIRuntime"); },
      [](Question& q) { q.set_file_containing_symbol("aios.runtime.AIRuntime.Infer"); },
      [](Question& q) { q.set_file_containing_symbol("aios.runtime.InferChunk"); },
  };
  for (const auto& question : kQuestions) {
    const auto reply = ask(question);
    ASSERT_EQ(reply.file_descriptor_response().file_descriptor_proto_size(), 1);
    google::protobuf::FileDescriptorProto file;
    ASSERT_TRUE(file.ParseFromString(reply.file_descriptor_response().file_descriptor_proto(0)));
    EXPECT_EQ(file.package(), "aios.runtime");
  }
}

TEST(Reflect, GivesImportedFilesToo) {
  const auto reply =
      ask([](Question& q) { q.set_file_by_filename("grpc/reflection/v1alpha/reflection.proto"); });
  EXPECT_EQ(reply.file_descriptor_response().file_descriptor_proto_size(), 2);
}

TEST(Reflect, SaysWhatIsNotThere) {
  const std::function<void(Question&)> kQuestions[] = {
      [](Question& q) { q.set_file_by_filename("none.proto"); },
      [](Question& q) { q.set_file_containing_symbol("no.Such"); },
      [](Question& q) {
        q.mutable_file_containing_extension()->set_containing_type("aios.runtime.Empty");
      },
      [](Question& q) { q.set_all_extension_numbers_of_type("no.Such"); },
  };
  for (const auto& question : kQuestions)
    EXPECT_EQ(ask(question).error_response().error_code(), 5);        // NOT_FOUND
  EXPECT_EQ(ask([](Question&) {}).error_response().error_code(), 3);  // INVALID_ARGUMENT
  const auto none =
      ask([](Question& q) { q.set_all_extension_numbers_of_type("aios.runtime.Empty"); });
  EXPECT_EQ(none.all_extension_numbers_response().extension_number_size(), 0);
}

}  // namespace
}  // namespace hearth::api
