/* Counts what holds and what does not. A program ends with `return done();`. */
#ifndef CHECK_HPP
#define CHECK_HPP

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>

#include <isymphony.hpp>

using namespace std::chrono_literals;

inline std::atomic<int> passed{0}, failed{0};

inline void check(bool holds, const char *file, int line, const char *what)
{
    holds ? ++passed : ++failed;
    if (!holds)
        std::printf("%s:%d: failed: %s\n", file, line, what);
}

#define CHECK(...) check(static_cast<bool>(__VA_ARGS__), __FILE__, __LINE__, #__VA_ARGS__)

/// Whether a text holds these words.
inline bool has(std::string_view text, std::string_view words)
{
    if (text.find(words) != text.npos)
        return true;
    std::printf("\"%.*s\" is not in \"%.*s\"\n", static_cast<int>(words.size()), words.data(),
                static_cast<int>(text.size()), text.data());
    return false;
}

/// Whether a call that puts its error into a variable fails with this code, and with these words.
template <class Call>
bool fails(Call call, isym::Code code, std::string_view words)
{
    isym::Error error;
    call(error);
    return error && error.code() == code && has(error.what(), words);
}

#if defined(__cpp_exceptions)
/// Whether a call throws this class, with these words.
template <class Exception, class Call>
bool throws(Call call, std::string_view words)
{
    try {
        call();
    } catch (const Exception &error) {
        return has(error.what(), words);
    } catch (const isym::Error &error) {
        std::printf("another class: %s\n", error.what());
    }
    return false;
}
#endif

/// Tries until it holds, within the limit.
template <class Condition>
bool soon(Condition condition, std::chrono::seconds limit = 10s)
{
    const auto end = std::chrono::steady_clock::now() + limit;
    while (std::chrono::steady_clock::now() < end) {
        if (condition())
            return true;
        std::this_thread::sleep_for(20ms);
    }
    return false;
}

inline int done()
{
    std::printf("%d passed, %d failed\n", passed.load(), failed.load());
    return failed != 0;
}

#endif
