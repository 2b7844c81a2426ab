#include <unistd.h>

#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/context.h"
#include "cli/model_load.h"
#include "cli/pull/pull_text.h"
#include "cli/terminal/table.h"
#include "engine/model_facts.h"
#include "model/catalogue.h"
#include "model/shelf.h"

namespace hearth::cli {
namespace {

constexpr const char* kFooter = R"(Examples:
  hearth model list               what is there, and what `hearth pull` can get by its name
  hearth model suggest            which one suits this machine
  hearth model show qwen2.5-1.5b
  hearth model rm mistral-7b

DIR/catalogue.json, if it is there, is read instead of the catalogue inside this program:
{"models": [{"name": "mine", "repository": "owner/name", "file": "x.gguf", "licence": "MIT",
"size_bytes": 1000000, "memory_bytes": 2000000, "sha256": "…", "suggested_from_gib": 8}]})";

constexpr const char* kSuggestFooter =
    R"(By the machine's memory: from 64 GB a model of 14B, from 32 GB 7B, from 16 GB 3B, from 8 GB
1.5B, below that 0.5B; in each the model leaves room for its conversations and other programs.

Examples:
  hearth model suggest
  hearth pull $(hearth model suggest --quiet)
  hearth model suggest --memory-gib 8

Exit status: 0 there is one, 1 none suits so little memory.)";

/// What all subcommands look at.
struct Models {
  model::Catalogue catalogue;
  model::Shelf shelf;
  std::vector<model::ShelfModel> there;
};

Result<Models> open_models(const Context& context) {
  TRY(const auto loaded, load_settings(context));
  const std::string& data = loaded.config.data_dir;
  TRY(auto catalogue, model::Catalogue::load(data + "/catalogue.json"));
  model::Shelf shelf(data + "/models");
  TRY(auto there, shelf.list());
  return Models{std::move(catalogue), std::move(shelf), std::move(there)};
}

nlohmann::ordered_json to_json(const model::CatalogueEntry& entry) {
  return {{"name", entry.name},
          {"title", entry.title},
          {"source", "hf:" + entry.repository + "/" + entry.file},
          {"licence", entry.licence},
          {"size_bytes", entry.size_bytes},
          {"memory_bytes", entry.memory_bytes}};
}

int list(const Context& context, bool as_json) {
  const auto models = open_models(context);
  if (!models.ok()) return fail_usage(models.error().message);
  const auto& [catalogue, shelf, there] = models.value();
  if (!as_json) {
    std::cout << models_table(there, catalogue);
    return kDone;
  }
  nlohmann::ordered_json all = {{"models", nlohmann::ordered_json::array()},
                                {"catalogue", nlohmann::ordered_json::array()}};
  for (const auto& model : there)
    all["models"].push_back({{"name", model.name},
                             {"path", model.path},
                             {"size_bytes", model.size_bytes},
                             {"is_partial", model.is_partial}});
  for (const auto& entry : catalogue.entries()) all["catalogue"].push_back(to_json(entry));
  std::cout << all.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  return kDone;
}

int show(const Context& context, const std::string& name) {
  const auto models = open_models(context);
  if (!models.ok()) return fail_usage(models.error().message);
  const auto* const entry = models.value().catalogue.find(name);
  const auto there = models.value().shelf.find(name);
  if (!entry && !there.ok()) return fail(there.error());
  if (entry) std::cout << entry_text(*entry);
  if (!there.ok()) {
    std::cout << "It is not here; `hearth pull " << entry->name << "` gets it.\n";
    return kDone;
  }
  std::cout << there.value().path << ", " << bytes_text(there.value().size_bytes) << "\n";
  if (there.value().is_partial) return kDone;
  const auto facts = engine::read_model_facts(there.value().path);
  if (!facts.ok()) return fail(facts.error());
  std::cout << facts.value().architecture << ", " << count_text(facts.value().parameters)
            << " parameters, " << facts.value().quantization << ", " << facts.value().context_tokens
            << " tokens of context\n";
  return kDone;
}

int remove(const Context& context, const std::string& name) {
  const auto models = open_models(context);
  if (!models.ok()) return fail_usage(models.error().message);
  const auto there = models.value().shelf.find(name);
  if (!there.ok()) return fail(there.error());
  const auto removed = models.value().shelf.remove(name);
  if (!removed.ok()) return fail(removed.error());
  std::cerr << "Deleted " << there.value().path << ", " << bytes_text(there.value().size_bytes)
            << ".\n";
  return kDone;
}

std::uint64_t machine_memory_bytes() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), page_bytes = ::sysconf(_SC_PAGE_SIZE);
  return pages > 0 && page_bytes > 0
             ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes)
             : 0;
}

struct Suggest {
  std::uint32_t memory_gib = 0;  // 0: this machine's
  bool quiet = false;
};

int suggest(const Context& context, const Suggest& options) {
  const auto models = open_models(context);
  if (!models.ok()) return fail_usage(models.error().message);
  const std::uint64_t memory =
      options.memory_gib ? std::uint64_t{options.memory_gib} << 30 : machine_memory_bytes();
  const auto* const entry = models.value().catalogue.suggest(memory);
  if (!entry)
    return fail({Code::NotFound, "no model of the catalogue suits " + bytes_text(memory) +
                                     " of memory; Ember, which is inside this program, does"});
  if (options.quiet) {
    std::cout << entry->name << "\n";
    return kDone;
  }
  std::cout << "For " << bytes_text(memory) << " of memory:\n"
            << entry_text(*entry) << "Get it with: hearth pull " << entry->name << "\n";
  return kDone;
}

}  // namespace

void add_model_command(CLI::App& root, Context& context) {
  CLI::App* const model = root.add_subcommand("model", "Models that are here, or can be had");
  model->footer(kFooter);
  model->require_subcommand(1);
  const auto as_json = std::make_shared<bool>(false);
  add_command(*model, context, "list", "List the models of DIR/models and of the catalogue", "",
              [&context, as_json] { return list(context, *as_json); })
      ->add_flag("--json", *as_json, "A JSON object");
  const auto name = std::make_shared<std::string>();
  add_command(*model, context, "show", "What is known of a model", "",
              [&context, name] { return show(context, *name); })
      ->add_option("NAME", *name, "As `hearth model list` shows it")
      ->required();
  add_command(*model, context, "rm", "Delete a downloaded model, or the part of one", "",
              [&context, name] { return remove(context, *name); })
      ->add_option("NAME", *name, "As `hearth model list` shows it")
      ->required();
  const auto wanted = std::make_shared<Suggest>();
  CLI::App* const command =
      add_command(*model, context, "suggest", "Which model suits this machine", kSuggestFooter,
                  [&context, wanted] { return suggest(context, *wanted); });
  command->add_option("--memory-gib", wanted->memory_gib, "Instead of this machine's memory")
      ->type_name("N");
  command->add_flag("--quiet", wanted->quiet, "Only the name");
  add_load_commands(*model, context);
}

}  // namespace hearth::cli
