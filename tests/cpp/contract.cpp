/* Runs the cases of tests/contract/cases (see the README there) through isymphony.hpp. Started in the project's root, or with
 * the folder of the cases as argument; CONTRACT_CASE=word takes only the cases whose name holds the word. */
#include "check.hpp"
#include "typed.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace {

/// Under valgrind things take their time.
constexpr std::chrono::seconds LIMIT(60);

using Fields = std::vector<std::string>;

/// What is not as it should be; ends its case.
struct Wrong : std::runtime_error {
    Wrong(const std::string &what, const std::string &is, const std::string &should)
        : std::runtime_error(what + ": it is \"" + is + "\", not \"" + should + "\"")
    {
    }
};

void same(const std::string &what, std::string_view is, std::string_view should)
{
    if (is != should)
        throw Wrong(what, std::string(is), std::string(should));
}

void holds(const std::string &what, const std::string &text, const std::string &words)
{
    if (text.find(words) == text.npos)
        throw Wrong(what, text, words);
}

Fields split(const std::string &text, char separator)
{
    Fields fields;
    for (std::size_t start = 0, end = 0; end != text.npos; start = end + 1) {
        end = text.find(separator, start);
        fields.push_back(text.substr(start, end == text.npos ? end : end - start));
    }
    return fields;
}

/// Takes the escapes of a field back.
std::string unescape(const std::string &field)
{
    std::string text;
    for (std::size_t i = 0; i < field.size(); i++) {
        if (field[i] != '\\') {
            text += field[i];
        } else if (field[++i] == 'x') {
            text += static_cast<char>(std::stoi(field.substr(i + 1, 2), nullptr, 16));
            i += 2;
        } else {
            text += field[i] == 't' ? '\t' : field[i] == 'n' ? '\n' : field[i];
        }
    }
    return text;
}

std::optional<std::int64_t> number(const std::string &text)
{
    std::int64_t number = 0;
    const char *end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, number);
    return error == std::errc() && read == end ? std::optional(number) : std::nullopt;
}

/// One case, as far as it has come.
class Case {
public:
    void line(const Fields &fields)
    {
        const auto field = [&](std::size_t i) { return i < fields.size() ? fields[i] : std::string(); };
        const std::string &what = fields[0];
        if (what == "config") {
            config_[field(1)] = field(2);
        } else if (what == "world") {
            set_world(field(1), field(2));
        } else if (what == "serve") {
            sandbox().serve(expand(field(1)), expand(field(2)));
        } else if (what == "status") {
            const auto code = static_cast<std::uint16_t>(std::stoi(field(2)));
            sandbox().respond(expand(field(1)), code, nullptr, field(3));
        } else if (what == "restart") {
            restart();
        } else {
            live();
            look(what, expand(field(1)), field(2), field(3), fields);
        }
    }

private:
    void set_world(const std::string &key, const std::string &value)
    {
        if (key == "users")
            world_.users(static_cast<std::uint32_t>(std::stoul(value)));
        else if (key == "queues")
            world_.queues(static_cast<std::uint32_t>(std::stoul(value)));
        else if (key == "seed")
            world_.seed(std::stoull(value));
        else if (key == "username" || key == "password")
            credentials_[key] = value;
        else
            throw Wrong("world", key, "a setting");
    }

    /// The sandbox of the case, started; and what a client saw before anything was served in place of the model.
    const isym::Sandbox &sandbox()
    {
        if (!sandbox_) {
            if (credentials_.count("username") != 0)
                world_.credentials(credentials_["username"], credentials_["password"]);
            sandbox_.emplace(world_);
            first_ = isym::Live(config()).wait(LIMIT);
        }
        return *sandbox_;
    }

    isym::Config config()
    {
        isym::Config config(sandbox_->url());
        if (credentials_.count("username") != 0)
            config.credentials(credentials_["username"], credentials_["password"]);
        return config;
    }

    const isym::Live &live()
    {
        sandbox();
        if (!live_) {
            isym::Config with = config();
            if (config_.count("core_servers") != 0)
                with.core_servers(split(config_["core_servers"], ','));
            isym::Kinds kinds;
            for (const std::string &kind : split(config_["kinds"], ','))
                if (!kind.empty())
                    kinds |= isym::kind_from_name(kind);
            live_.emplace(with.kinds(kinds));
            snapshot_ = live_->wait(LIMIT);
        }
        return *live_;
    }

    void restart()
    {
        const std::uint64_t epoch = live().snapshot().epoch();
        sandbox().restart();
        if (!soon([&] { return live().refresh(LIMIT).epoch() > epoch; }, LIMIT))
            throw Wrong("restart", "the old epoch", "a new one");
    }

    /// Puts ids in the place of `{path}`.
    std::string expand(const std::string &field)
    {
        std::string text;
        for (std::size_t i = 0; i < field.size(); i++) {
            const std::size_t end = field.find('}', i);
            if (field.compare(i, 12, "{coreServers") != 0 || end == field.npos) {
                text += field[i];
                continue;
            }
            sandbox();
            text += first_.resolve(field.substr(i + 1, end - i - 1)).id().str();
            i = end;
        }
        return text;
    }

    void look(const std::string &what, const std::string &first, const std::string &second, const std::string &third,
              const Fields &fields)
    {
        if (what == "one") {
            snapshot_ = live().snapshot();
            resource_ = snapshot_.resolve(first);
        } else if (what == "kind") {
            same(what, isym::name(resource_.kind()), first);
        } else if (what == "id") {
            same(what, resource_.id().str(), first);
        } else if (what == "named") {
            same(what, resource_.symbolic_name(), first);
        } else if (what == "path") {
            same(what, resource_.path(), first);
        } else if (what == "raw") {
            same(what, resource_.raw(), first);
        } else if (what == "extra") {
            same(what, resource_.extra(), first);
        } else if (what == "related") {
            check_related(first, fields);
        } else if (what == "list") {
            snapshot_ = live().snapshot();
            same(first, std::to_string(snapshot_.resolve_list(first).size()), second);
        } else if (what == "error") {
            isym::Error error;
            snapshot_ = live().snapshot();
            resource_ = snapshot_.resolve(first, error);
            same(what, isym::name(error.code()), second);
            holds(what, error.what(), third);
        } else if (what == "act") {
            act(first, second, fields);
        } else if (what == "accepted") {
            same("act", ticket_.outcome() == isym::Outcome::accepted ? "accepted" : refusal_.what(), "accepted");
        } else if (what == "refused") {
            same(what, isym::name(refusal_.code()), first);
            holds(what, refusal_.what(), second);
        } else if (what == "posted") {
            check_posted(first, expand(second));
        } else {
            check_property(what, first, second);
        }
    }

    void check_related(const std::string &name, const Fields &fields)
    {
        const auto relation = RELATIONS.find({resource_.kind(), name});
        if (relation == RELATIONS.end())
            throw Wrong("related", name, "a relation of this kind");
        const std::vector<isym::Resource> found = relation->second(resource_);
        same(name, std::to_string(found.size()), std::to_string(fields.size() - 2));
        for (std::size_t i = 2; i < fields.size(); i++) {
            const isym::Resource wanted = snapshot_.resolve(expand(fields[i]));
            if (std::none_of(found.begin(), found.end(),
                             [&](const auto &each) { return each == wanted && each.id() == wanted.id(); }))
                throw Wrong(name, "without it", fields[i]);
        }
    }

    void check_property(const std::string &what, const std::string &name, const std::string &should)
    {
        static const std::map<std::string, isym::PropertyState> STATES = {
            {"missing", isym::PropertyState::missing}, {"null", isym::PropertyState::null},
            {"other", isym::PropertyState::other_type}, {"text", isym::PropertyState::present},
            {"int", isym::PropertyState::present}, {"bool", isym::PropertyState::present}};
        const std::optional<isym::Property> property = resource_.property(name);
        if (STATES.count(what) == 0 || !property)
            throw Wrong("line", what, "one of the format");
        if (property->state != STATES.at(what) || resource_.property_state(name) != property->state)
            throw Wrong(name, "in another state", what);
        const auto accessor = ACCESSORS.find({resource_.kind(), name});
        const Value is = accessor == ACCESSORS.end() ? Value() : accessor->second(resource_);
        if (what == "text") {
            same(name, property->text, should);
            same(name, std::get<std::string>(is), should);
        } else if (what == "int") {
            same(name, std::to_string(property->number), should);
            same(name, std::to_string(std::get<std::int64_t>(is)), should);
        } else if (what == "bool") {
            same(name, property->boolean ? "true" : "false", should);
            same(name, std::get<bool>(is) ? "true" : "false", should);
        } else if (!property->text.empty() || property->number != 0 || property->boolean) {
            throw Wrong(name, "with a value", what);
        }
    }

    void act(const std::string &path, const std::string &action, const Fields &fields)
    {
        isym::Args args;
        for (std::size_t i = 3; i < fields.size(); i++) {
            const std::string arg = expand(fields[i]);
            const std::string name = arg.substr(0, arg.find('=')), value = arg.substr(name.size() + 1);
            if (const auto whole = number(value))
                args.emplace_back(name, *whole);
            else
                args.emplace_back(name, value);
        }
        ticket_ = isym::Ticket();
        const isym::Handle handle = live().handle(path, refusal_);
        if (!refusal_)
            ticket_ = handle.act(action, args, isym::default_timeout, refusal_);
        if (!refusal_)
            ticket_.wait(LIMIT);
    }

    void check_posted(const std::string &path, const std::string &body)
    {
        const isym::Requests requests = sandbox().requests();
        std::optional<isym::Request> last;
        for (const isym::Request &request : requests)
            if (request.method == "POST")
                last = request;
        if (!last)
            throw Wrong("posted", "nothing", path);
        same("posted", last->path, path);
        same("posted", last->body, body);
    }

    isym::SandboxConfig world_;
    std::map<std::string, std::string> config_, credentials_;
    std::optional<isym::Sandbox> sandbox_;
    isym::Snapshot first_;
    std::optional<isym::Live> live_;
    isym::Snapshot snapshot_;  // What `resource_` is borrowed from.
    isym::Resource resource_;
    isym::Ticket ticket_;
    isym::Error refusal_;
};

void run_file(const std::filesystem::path &path)
{
    std::ifstream file(path);
    std::optional<Case> now;
    std::string name, line;
    const char *only = std::getenv("CONTRACT_CASE");
    for (int at = 1; std::getline(file, line); at++) {
        if (line.empty() || line[0] == '#')
            continue;
        Fields fields = split(line, '\t');
        std::transform(fields.begin(), fields.end(), fields.begin(), unescape);
        if (fields[0] == "case") {
            passed += now ? 1 : 0;
            name = fields[1];
            now.reset();
            if (only == nullptr || name.find(only) != name.npos)
                now.emplace();
        } else if (now) {
            try {
                now->line(fields);
            } catch (const std::exception &error) {
                std::printf("%s:%d: %s: %s\n", path.c_str(), at, name.c_str(), error.what());
                ++failed;
                now.reset();  // The rest of the case says nothing new.
            }
        }
    }
    passed += now ? 1 : 0;
}

}  // namespace

int main(int argc, char **argv)
{
    for (const auto &entry : std::filesystem::directory_iterator(argc > 1 ? argv[1] : "tests/contract/cases"))
        if (entry.path().extension() == ".txt")
            run_file(entry.path());
    return done();
}
