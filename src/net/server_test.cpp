#include "net/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/client.h"
#include "net/testing/raw_client.h"

namespace hearth::net {
namespace {

using testing::get_request;
using testing::post_request;
using testing::RawClient;

TEST(ServerSmoke, EchoesOverKeepAlive) {
  auto server = Server::start({}, [](const Request& request, std::shared_ptr<Exchange> exchange) {
    exchange->respond({.status = 200, .body = request.method + " " + request.path + " " + request.body});
  });
  ASSERT_TRUE(server.ok());
  RawClient client(server.value()->port());
  ASSERT_TRUE(client.send(get_request("/a%20b?x=1")));
  EXPECT_EQ(client.read_response().body, "GET /a b ");
  ASSERT_TRUE(client.send(post_request("/p", "hello")));
  EXPECT_EQ(client.read_response().body, "POST /p hello");
  auto got = fetch(Call::within(Millis(5000)), {.method = "POST", .port = server.value()->port(), .target = "/x", .body = "hi"});
  ASSERT_TRUE(got.ok()) << got.error().message;
  EXPECT_EQ(got.value().body, "POST /x hi");
}

}  // namespace
}  // namespace hearth::net
