/* Who is 4224? On an embedded sandbox. */
#include <iostream>

#include <isymphony.hpp>

int main()
{
    using namespace std::chrono_literals;
    isym::Sandbox sandbox;
    isym::Live live{isym::Config(sandbox.url())};
    isym::Snapshot snap = live.wait(10s);
    std::cout << "4224 is " << snap.extension("default", "4224").value().display_name() << '\n';
}
