/* A board: who is there, who talks, who waits. Drawn anew whenever something changes.
 *
 *     c++ -std=c++17 board.cpp $(pkg-config --cflags --libs isymphony) -o board
 *     ./board                                  on an embedded sandbox with calls, for three seconds
 *     ./board http://pbx:58080                 on a real server, until Ctrl-C
 *
 * The credentials come from ISYMPHONY_USERNAME and ISYMPHONY_PASSWORD, or from the URL.
 */
#include <isymphony.hpp>

#include <cstdlib>
#include <iostream>
#include <thread>

#include <unistd.h>

using namespace std::chrono_literals;

namespace {

constexpr std::size_t ROWS = 12;

/// A text, and blanks up to a width in characters.
std::string cell(std::string_view text, std::size_t width)
{
    std::size_t characters = 0;
    for (const char byte : text)
        characters += (byte & 0xc0) != 0x80;
    return std::string(text) + std::string(characters < width ? width - characters : 1, ' ');
}

void row(std::string_view first, std::string_view second, std::string_view third)
{
    std::cout << "  " << cell(first, 17) << cell(second, 20) << third << '\n';
}

void draw_users(const isym::CoreServer &server)
{
    std::cout << "Users\n";
    std::size_t rows = 0;
    for (const isym::User user : server.users()) {
        if (rows++ == ROWS)
            break;
        const auto status = user.status();
        row(user.user_name(), user.displayed_name(), status ? status->name() : "-");
    }
}

/// Only the extensions that talk.
void draw_calls(const isym::CoreServer &server)
{
    std::cout << "Calls\n";
    for (const isym::Extension extension : server.extensions())
        for (const isym::CallSegment call : extension.call_segments()) {
            std::string with(call.incoming() ? "<- " : "-> ");
            with += call.caller_id().name.empty() ? call.caller_id().number : call.caller_id().name;
            row(extension.extension_number(), extension.display_name(), with + (call.on_hold() ? ", on hold" : ""));
        }
}

void draw_queues(const isym::CoreServer &server)
{
    std::cout << "Queues\n";
    for (const isym::Queue queue : server.queues()) {
        row(queue.identifier(), queue.display_name(), std::to_string(queue.call_segments().size()) + " waiting");
        for (const isym::Agent agent : queue.agents())
            row("", agent.name(), agent.paused() ? "paused" : agent.state());
    }
}

void draw(const isym::Live &live)
{
    const isym::Snapshot snap = live.snapshot();  // All that is drawn is of one moment.
    const isym::Health health = live.health();
    if (isatty(STDOUT_FILENO))
        std::cout << "\x1b[H\x1b[2J";
    for (const isym::CoreServer server : snap.core_servers()) {
        std::cout << server.name() << ", confirmed " << snap.age().count() << " ms ago"
                  << (health.state() == isym::State::live ? "\n" : ", the server is away\n");
        draw_users(server);
        draw_calls(server);
        draw_queues(server);
    }
    std::cout << std::endl;
}

/// Draws at every change, at most five times a second, until the client is closed.
void show(const isym::Live &live)
{
    isym::Watch watch = live.watch();
    isym::Error error;
    while (!error) {
        draw(live);
        watch.next(isym::forever, error);
        std::this_thread::sleep_for(200ms);
        while (!error && watch.next(0s, error)) {
        }
    }
}

int run(const char *given)
{
    std::optional<isym::Sandbox> sandbox;
    if (given == nullptr)
        sandbox.emplace(isym::SandboxConfig().calls_per_second(3).call_duration(2s));
    isym::Config config(given != nullptr ? given : std::string(sandbox->url()));
    const char *user_name = std::getenv("ISYMPHONY_USERNAME"), *password = std::getenv("ISYMPHONY_PASSWORD");
    if (user_name != nullptr && password != nullptr)
        config.credentials(user_name, password);
    isym::Live live(config);
    live.wait(10s);

    std::thread closer;
    if (sandbox)
        closer = std::thread([&live] {
            std::this_thread::sleep_for(3s);
            live.close();
        });
    show(live);
    if (closer.joinable())
        closer.join();
    return 0;
}

}  // namespace

int main(int argc, char **argv)
{
    try {
        return run(argc > 1 ? argv[1] : nullptr);
    } catch (const isym::Error &error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}
