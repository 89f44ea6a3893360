#!/bin/sh
# Packs the server with a Java of its own and without libtorch, for a GPU machine that has libtorch 2.7.1 and no Java:
#   deploy/gpu/pack-server.sh FILE.tar.xz
# For Linux on x86-64. Needs what the build needs, a JDK with jlink and jar, and xz. See README.md beside this.
set -eu

fail() {
  echo "pack-server: $1" >&2
  exit 1
}

[ $# -eq 1 ] || fail "expected one argument, the file to write"
case $1 in
  /*) target=$1 ;;
  *) target=$PWD/$1 ;;
esac
root=$(CDPATH= cd -- "$(dirname -- "$0")/../.." && pwd -P)
for tool in jlink jar xz tar; do
  command -v "$tool" >/dev/null || fail "no $tool on the PATH"
done
"$root/vidfold" version >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/vidfold
mkdir "$stage"
cp -R "$root/server/target/vidfold/." "$stage"
rm -f "$stage"/lib/pytorch-native-cpu-*.jar "$stage"/lib/classes-*.jsa "$stage/.built"

# Jars are stored, not deflated, without what is for other systems: xz then finds more to share.
for jar in "$stage"/lib/*.jar; do
  rm -rf "$work/jar"
  mkdir "$work/jar"
  (cd "$work/jar" && jar -xf "$jar")
  find "$work/jar" -depth -type d \
    \( -name 'osx-*' -o -name 'win-*' -o -name 'linux-aarch64' -o -name 'macosx-*' -o -name 'windows-*' \) -exec rm -rf {} +
  find "$work/jar" -depth -type d \( -path '*/org/sqlite/native/*' -o -path '*/com/sun/jna/*-*' \) \
    ! -path '*/native/Linux' ! -path '*/native/Linux/x86_64' ! -name 'linux-x86-64' -exec rm -rf {} +
  rm "$jar"
  (cd "$work/jar" && jar -c0Mf "$jar" .)
done

jlink --strip-debug --no-header-files --no-man-pages --compress=0 --output "$stage/jre" \
  --add-modules java.base,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,java.sql,java.xml,jdk.crypto.ec,jdk.jfr,jdk.management,jdk.unsupported,jdk.zipfs

tar -C "$work" -cf - vidfold | xz -T0 -6 >"$target"
echo "$target: $(($(wc -c <"$target") >> 20)) MiB"
