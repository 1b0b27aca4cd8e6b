#!/bin/sh
# Puts the header, the libraries and the pkg-config file below $DESTDIR$PREFIX. Called by `make install`.
set -eu
version=$(${CARGO:-cargo} metadata --no-deps --format-version 1 | sed 's/.*"name":"isymphony-c","version":"\([^"]*\)".*/\1/')
target=$(${CARGO:-cargo} metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release
soname=libisymphony.so.${version%%.*}
root=${DESTDIR:-}$PREFIX
mkdir -p "$root/include" "$root/lib/pkgconfig"
cp include/isymphony.h "$root/include/"
cp "$target/libisymphony.a" "$root/lib/"
cp "$target/libisymphony.so" "$root/lib/libisymphony.so.$version"
ln -sf "libisymphony.so.$version" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/libisymphony.so"
cat > "$root/lib/pkgconfig/isymphony.pc" <<PC
prefix=$PREFIX
libdir=\${prefix}/lib
includedir=\${prefix}/include

Name: isymphony
Description: The live state of an iSymphony telephony server inside your process
Version: $version
Libs: -L\${libdir} -lisymphony
Libs.private: -lpthread -ldl -lm
Cflags: -I\${includedir}
PC
echo "isymphony $version is in $root"
