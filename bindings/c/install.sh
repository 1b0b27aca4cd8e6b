#!/bin/sh
# Puts the headers, the libraries, and what pkg-config and CMake look for below $DESTDIR$PREFIX. Called by `make install`,
# after the release build; $BUILT says where else the libraries are.
set -eu
cd "$(dirname "$0")/../.."
metadata=$(${CARGO:-cargo} metadata --no-deps --format-version 1)
field() { echo "$metadata" | sed "s/.*$1\"\([^\"]*\)\".*/\1/"; }
version=$(field '"name":"isymphony-c","version":')
built=${BUILT:-$(field '"target_directory":')/release}
soname=libisymphony.so.$(sed -n 's/^const ABI: u32 = \([0-9]*\);$/\1/p' bindings/c/build.rs)
root=${DESTDIR:-}$PREFIX

mkdir -p "$root/include" "$root/lib/pkgconfig" "$root/lib/cmake/isymphony"
cp include/isymphony.h include/isymphony.hpp include/isymphony.cdef "$root/include/"
cp "$built/libisymphony.a" "$root/lib/"
cp "$built/libisymphony.so" "$root/lib/libisymphony.so.$version"
ln -sf "libisymphony.so.$version" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/libisymphony.so"

put() { sed "s/@VERSION@/$version/; s/@SONAME@/$soname/" "bindings/c/packaging/$1" > "$root/lib/$2/$1"; }
put isymphony.pc pkgconfig
put isymphony-static.pc pkgconfig
put isymphony-config.cmake cmake/isymphony
put isymphony-config-version.cmake cmake/isymphony
echo "isymphony $version is in $root"
