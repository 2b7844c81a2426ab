#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/time_source.h"
#include "store/sessions.h"
#include "store/sqlite/database.h"
#include "store/store.h"

namespace hearth::store::testing {

inline Call soon() { return Call::within(Millis(20'000)); }

class SetTime final : public TimeSource {
 public:
  Clock::time_point now() const override { return Clock::time_point(wall_.time_since_epoch()); }
  std::chrono::system_clock::time_point wall() const override { return wall_; }
  std::int64_t ms() const { return unix_time<Millis>(*this); }
  void advance(Millis by) { wall_ += by; }

 private:
  std::chrono::system_clock::time_point wall_{std::chrono::seconds(1'700'000'000)};
};

/// A store in a folder of its own, with a clock that stands still.
class StoreFixture : public ::testing::Test {
 public:
  ~StoreFixture() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

 protected:
  StoreFixture() {
    std::string name = std::filesystem::temp_directory_path() / "hearth-store-XXXXXX";
    folder_ = mkdtemp(name.data());
    reopen();
  }
  /// What a process that starts finds.
  void reopen() {
    store_.reset();
    store_ = Store::open(folder_ / "hearth.db").value();
  }
  std::string new_session(const std::string& owner = "ann") {
    return Sessions(*store_, time_).create(soon(), owner).value().id;
  }
  std::int64_t number(const std::string& sql) {
    std::int64_t found = -1;
    const auto read = store_->readers().read(soon(), [&](Database& database) -> Result<void> {
      TRY(const auto value, database.number(sql));
      found = value.value_or(-1);
      return ok();
    });
    EXPECT_TRUE(read.ok()) << read.error().message;
    return found;
  }
  /// Rows as a test needs them, without the way that leads there.
  void run(const std::string& sql) {
    const auto done = store_->writer().write(
        soon(), Writer::Durability::Normal,
        [&sql](Database& database) -> Result<void> { return database.run(sql); });
    ASSERT_TRUE(done.ok()) << done.error().message;
  }

  SetTime time_;
  std::filesystem::path folder_;
  std::unique_ptr<Store> store_;
};

}  // namespace hearth::store::testing
