"""Does lm-evaluation-harness measure the daemon's model as transformers does?

    python lm_eval_client.py --url http://127.0.0.1:8475 --model NAME --tokenizer FOLDER [--hf] [--out RESULT.json]

Runs the task lethe_choice beside this file through `local-completions`. FOLDER is a Hugging Face folder with the
model's tokenizer, as `lethe model export` writes it. With --hf the same task is also run by transformers on that
folder (which needs torch), and accuracies must be equal. Prints one JSON object. Exit code 0 agreed, 1 missed.

Versions this was written with: Python 3.11, lm_eval 0.4.13.
"""

import argparse
import json
import os
import pathlib
import shutil
import sys
import tempfile

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("HF_DATASETS_OFFLINE", "1")
HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8475")
    parser.add_argument("--model", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--hf", action="store_true")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    import lm_eval
    from lm_eval.tasks import TaskManager

    with tempfile.TemporaryDirectory() as folder:
        data = pathlib.Path(folder, "lethe_choice.jsonl")
        shutil.copy(HERE / "lethe_choice.jsonl", data)
        text = (HERE / "lethe_choice.yaml").read_text()
        pathlib.Path(folder, "lethe_choice.yaml").write_text(text.replace("lethe_choice.jsonl", str(data)))
        os.environ.setdefault("HF_HOME", folder)
        manager = TaskManager(include_path=folder, include_defaults=False)

        def evaluate(model, model_arguments):
            return lm_eval.simple_evaluate(
                model=model, model_args=model_arguments, tasks=["lethe_choice"], task_manager=manager,
                bootstrap_iters=0, log_samples=True)

        ours = evaluate(
            "local-completions",
            {"model": arguments.model, "base_url": arguments.url + "/v1/completions", "num_concurrent": 1,
             "max_retries": 1, "tokenizer_backend": "huggingface", "tokenizer": arguments.tokenizer,
             "tokenized_requests": True, "batch_size": 4})
        report = {"lm_eval": lm_eval.__version__, "lethe": ours["results"]["lethe_choice"]}
        missed = False
        if arguments.hf:
            theirs = evaluate("hf", {"pretrained": arguments.tokenizer, "dtype": "float32", "device": "cpu"})
            report["transformers"] = theirs["results"]["lethe_choice"]

            def likelihoods(result):
                return [pair[0] for sample in result["samples"]["lethe_choice"] for pair in sample["filtered_resps"]]

            pairs = list(zip(likelihoods(ours), likelihoods(theirs)))
            report["compared"] = len(pairs)
            report["largest_difference"] = max(abs(a - b) for a, b in pairs)
            missed = report["largest_difference"] > 1e-3 or any(
                report["lethe"][name] != report["transformers"][name] for name in ("acc,none", "acc_norm,none"))
    document = json.dumps(report, indent=2, default=str)
    print(document)
    if arguments.out:
        pathlib.Path(arguments.out).write_text(document + "\n")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
