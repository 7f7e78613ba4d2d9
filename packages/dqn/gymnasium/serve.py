"""Offers an environment of Gymnasium to the program `dqn`: python3 serve.py ALE/Breakout-v5

Needs: pip install "gymnasium[atari]". The protocol is described in src/node/environment-process.ts.
"""

import json
import sys

import gymnasium
import numpy


def make(game):
    if not game.startswith("ALE/"):
        return gymnasium.make(game)
    try:
        import ale_py

        gymnasium.register_envs(ale_py)
    except (ImportError, AttributeError):
        pass  # Older versions register by themselves.
    # Frames are skipped by the program, which takes the brighter of two; repeating actions would be another game.
    return gymnasium.make(game, frameskip=1, repeat_action_probability=0.0)


def main():
    # Only messages may reach the standard output, whatever the game prints.
    out = sys.stdout.buffer
    sys.stdout = sys.stderr
    environment = make(sys.argv[1] if len(sys.argv) > 1 else "ALE/Breakout-v5")
    kind = "uint8" if environment.observation_space.dtype == numpy.uint8 else "float32"
    meanings = getattr(environment.unwrapped, "get_action_meanings", None)
    actions = meanings() if meanings else [str(index) for index in range(environment.action_space.n)]

    def send(message, data=b""):
        out.write(json.dumps(message).encode() + b"\n" + data)
        out.flush()

    def answer(identifier, observation, info, **rest):
        data = numpy.ascontiguousarray(observation, dtype=kind).tobytes()
        numbers = {"lives": int(info["lives"])} if "lives" in info else {}
        send({"id": identifier, "bytes": len(data), "info": numbers, **rest}, data)

    send({
        "name": environment.spec.id,
        "actions": list(actions),
        "shape": list(environment.observation_space.shape),
        "type": kind,
    })
    for line in sys.stdin:
        question = json.loads(line)
        if "step" in question:
            observation, reward, terminated, truncated, info = environment.step(question["step"])
            answer(
                question["id"],
                observation,
                info,
                reward=float(reward),
                terminated=bool(terminated),
                truncated=bool(truncated),
            )
        else:
            observation, info = environment.reset(seed=question["reset"])
            answer(question["id"], observation, info)


main()
