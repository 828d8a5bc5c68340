#!/usr/bin/env bash
# Builds and runs the fuzz targets of Tests/Fuzz.
#
#   Scripts/fuzz.sh [TARGET] [SECONDS]   fuzz one target, or all, for so long each (60)
#   Scripts/fuzz.sh driver               build the command that the scripts in Tests/Interop use; prints its path
#
# A target is a folder with its source, a dictionary, the paths of its seeds (patterns from the root) and, if it needs
# any, more options of libFuzzer. LETHE_FUZZ_DIR (.build/fuzz) is where programs and the growing corpora are kept. A
# crash leaves its input there as TARGET-crash-*; once fixed it belongs into Tests/Fixtures/formats/regressions.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
build=${LETHE_FUZZ_DIR:-$root/.build/fuzz}
target=${1:-all}
seconds=${2:-60}

# compile_modules DIRECTORY FLAGS...: the modules below the fuzz targets, as objects.
compile_modules() {
    local into=$1
    shift
    mkdir -p "$into"
    compile_c "$into" COneDNN
    compile_c "$into" CKernels
    compile_module "$into" LetheCore "$@"
    compile_module "$into" LetheTokenizers "$@"
    compile_module "$into" LetheTensor "$@"
    compile_module "$into" LetheModel "$@"
}

# compile_c DIRECTORY NAME: the objects and the module map of a C target.
compile_c() {
    local into=$1 name=$2 source
    mkdir -p "$into/$name"
    printf 'module %s { umbrella "%s" export * }\n' "$name" "$root/Sources/$name/include" >"$into/$name/module.modulemap"
    for source in "$root/Sources/$name"/*.c; do
        clang -O2 -I "$root/Sources/$name/include" -I "$root/Sources/COneDNN/include" -c "$source" \
            -o "$into/$name-$(basename "$source" .c).o"
    done
}

# compile_module DIRECTORY NAME FLAGS...: one module.
compile_module() {
    local into=$1 name=$2
    shift 2
    mapfile -d '' files < <(find -L "$root/Sources/$name" -name '*.swift' -print0 | sort -z)
    swift_compiler "$into" -module-name "$name" "$@" -emit-module -emit-module-path "$into/$name.swiftmodule" \
        -c -o "$into/$name.o" "${files[@]}"
}

# link_program DIRECTORY SOURCES OUTPUT FLAGS...: one program.
link_program() {
    local into=$1 sources=$2 output=$3
    shift 3
    swift_compiler "$into" "$@" "$sources"/*.swift "$into"/*.o -ldnnl -lgomp -o "$output" \
        2> >(grep -v 'Cannot export local symbol' >&2)
}

# swift_compiler DIRECTORY ARGUMENTS...: swiftc with the settings of Package.swift.
swift_compiler() {
    local into=$1
    shift
    swiftc -O -wmo -swift-version 6 -package-name lethe -enable-upcoming-feature ExistentialAny \
        -enable-upcoming-feature MemberImportVisibility -parse-as-library -I "$into" -I "$into/COneDNN" \
        -I "$into/CKernels" "$@"
}

if [[ $target == driver ]]; then
    compile_modules "$build/plain"
    link_program "$build/plain" "$root/Tests/Fuzz/driver" "$build/driver"
    echo "$build/driver"
    exit 0
fi

compile_modules "$build/sanitized" -sanitize=fuzzer,address
status=0
for folder in "$root"/Tests/Fuzz/*/; do
    name=$(basename "$folder")
    [[ $name != driver && ($target == all || $target == "$name") ]] || continue
    link_program "$build/sanitized" "$folder" "$build/fuzz-$name" -sanitize=fuzzer,address
    mkdir -p "$build/corpus-$name"
    options=(-max_total_time="$seconds" -rss_limit_mb=512 -timeout=5 -max_len=8192 -artifact_prefix="$build/$name-"
        -print_final_stats=1 -print_funcs=0 -verbosity=0 -dict="$folder/dictionary")
    if [[ -f $folder/options ]]; then
        read -ra extra <"$folder/options"
        options+=("${extra[@]}")
    fi
    rm -rf "$build/seeds-$name"
    mkdir "$build/seeds-$name"
    # Word splitting expands the patterns.
    # shellcheck disable=SC2046
    (cd "$root" && cp $(cat "$folder/seeds") "$build/seeds-$name")
    echo "fuzzing $name for $seconds s" >&2
    "$build/fuzz-$name" "${options[@]}" "$build/corpus-$name" "$build/seeds-$name" 2>&1 |
        sed '/^###### Recommended/,/^###### End/d' >&2 || status=1
done
exit $status
