"""Does the openai Python client understand the daemon's completions?

    python openai_client.py --url http://127.0.0.1:8475 --model NAME [--score "lethe score --model FOLDER --jsonl"]

Prints one JSON object. With --score, the log-probabilities of an echoed prompt must be exactly those of that command.
Exit code 0 agreed, 1 missed.

Versions this was written with: Python 3.11, openai 3.54.0.
"""

import argparse
import json
import shlex
import subprocess
import sys

import openai

TEXT = "The harbour of Fenwick has twelve lanterns, and each has a keeper."


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8475")
    parser.add_argument("--model", required=True)
    parser.add_argument("--score")
    arguments = parser.parse_args()
    client = openai.OpenAI(base_url=arguments.url + "/v1", api_key="none", max_retries=0, timeout=120)
    failures = []

    def expect(condition, what):
        if not condition:
            failures.append(what)

    echoed = client.completions.create(
        model=arguments.model, prompt=TEXT, max_tokens=0, echo=True, logprobs=5, temperature=0)
    scores = echoed.choices[0].logprobs
    expect(echoed.object == "text_completion" and echoed.choices[0].text == TEXT, "echo")
    expect(scores.token_logprobs[0] is None and scores.top_logprobs[0] is None, "the first token has no score")
    expect(all(len(top) in (5, 6) for top in scores.top_logprobs[1:]), "five alternatives")
    expect("".join(scores.tokens) == TEXT, "tokens make up the text")
    expect([TEXT[o:o + len(t)] for o, t in zip(scores.text_offset, scores.tokens)] == scores.tokens, "offsets")
    expect(echoed.usage.prompt_tokens == len(scores.tokens) and echoed.usage.completion_tokens == 0, "usage")
    if arguments.score:
        line = json.dumps({"text": TEXT}) + "\n"
        result = subprocess.run(shlex.split(arguments.score), input=line.encode(), stdout=subprocess.PIPE, check=True)
        score = json.loads(result.stdout.splitlines()[0])
        expect(scores.token_logprobs[1:] == score["token_logprobs"], "log-probabilities of lethe score")
        by_ids = client.completions.create(
            model=arguments.model, prompt=[score["ids"], score["ids"][:3]], max_tokens=0, echo=True, logprobs=1,
            temperature=0)
        expect(by_ids.choices[0].logprobs.token_logprobs[1:] == score["token_logprobs"], "prompts as ids")
        expect(len(by_ids.choices) == 2 and by_ids.choices[1].index == 1, "two prompts")
    greedy = client.completions.create(model=arguments.model, prompt=[TEXT, "Once"], max_tokens=12, temperature=0)
    expect(all(choice.finish_reason in ("length", "stop") for choice in greedy.choices), "finish reasons")
    sampled = [
        client.completions.create(
            model=arguments.model, prompt="Once", max_tokens=12, temperature=1, seed=seed, top_p=0.9).choices[0].text
        for seed in (1, 1, 2)
    ]
    expect(sampled[0] == sampled[1], "the same seed gives the same text")
    try:
        client.completions.create(model="nobody", prompt="a")
        expect(False, "an unknown model")
    except openai.NotFoundError as error:
        expect(error.code == "not_found", "code of an unknown model")
    try:
        client.completions.create(model=arguments.model, prompt="a", n=2)
        expect(False, "n = 2")
    except openai.BadRequestError as error:
        expect(error.param == "n" and error.type == "invalid_request_error", "a bad field is named")
    print(json.dumps({
        "openai": openai.__version__, "model": arguments.model, "answered_by": echoed.system_fingerprint,
        "tokens": len(scores.tokens), "greedy": greedy.choices[0].text, "sampled": sampled, "failures": failures,
    }, ensure_ascii=False, indent=2))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
