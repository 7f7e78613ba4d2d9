/**
 * Cart and pole: a cart is pushed left or right so that the pole on it stays up. Barto, Sutton and Anderson 1983; the
 * constants, the limits and the reward are those of Gymnasium's CartPole-v1.
 *
 *     total = M + m        push = ±10 N        τ = 0.02 s, one Euler step per move
 *     s  = (push + m l θ̇² sin θ) / total
 *     θ̈  = (g sin θ − s cos θ) / (l (4/3 − m cos² θ / total))
 *     ẍ  = s − m l θ̈ cos θ / total
 */
import type { Random } from '@milestones/core';
import { Canvas, type Picture } from '../picture/picture.ts';
import { SeededEnvironment, type EnvironmentOptions, type Outcome } from './environment.ts';

const gravity = 9.8;
const poleMass = 0.1;
const totalMass = 1 + poleMass;
/** Half of the pole's length, in metres: its centre of mass. */
const length = 0.5;
const push = 10;
const tau = 0.02;
const positionLimit = 2.4;
const angleLimit = (12 * Math.PI) / 180;

/** Position, velocity, angle from upright, angular velocity: m, m/s, rad, rad/s. */
interface CartPoleGame {
  x: number;
  xVelocity: number;
  angle: number;
  angleVelocity: number;
}

/** See the file's head. Reward 1 for every move, the last included; truncated after 500 moves by default. */
export class CartPole extends SeededEnvironment<CartPoleGame> {
  readonly name = 'CartPole';
  readonly space = { shape: [4], type: 'float32' } as const;
  readonly actions = ['push left', 'push right'];

  constructor(options: EnvironmentOptions = {}) {
    super(options.maximumSteps ?? 500);
  }

  /** @internal */
  protected override begin(random: Random): CartPoleGame {
    const small = (): number => random.uniform() * 0.1 - 0.05;
    return { x: small(), xVelocity: small(), angle: small(), angleVelocity: small() };
  }

  /** @internal */
  protected override advance(game: CartPoleGame, action: number, _random: Random, outcome: Outcome): void {
    const { x, xVelocity, angle, angleVelocity } = game;
    const sine = Math.sin(angle);
    const cosine = Math.cos(angle);
    const force = action === 1 ? push : -push;
    const s = (force + poleMass * length * angleVelocity ** 2 * sine) / totalMass;
    const angleAcceleration = (gravity * sine - cosine * s) / (length * (4 / 3 - (poleMass * cosine ** 2) / totalMass));
    const acceleration = s - (poleMass * length * angleAcceleration * cosine) / totalMass;
    // Positions first, by the old velocities: the published returns belong to this order.
    game.x = x + tau * xVelocity;
    game.xVelocity = xVelocity + tau * acceleration;
    game.angle = angle + tau * angleVelocity;
    game.angleVelocity = angleVelocity + tau * angleAcceleration;
    outcome.reward = 1;
    outcome.terminated = Math.abs(game.x) > positionLimit || Math.abs(game.angle) > angleLimit;
  }

  /** @internal */
  protected override observe({ x, xVelocity, angle, angleVelocity }: CartPoleGame): Float32Array {
    const seen = new Float32Array(4);
    seen[0] = x;
    seen[1] = xVelocity;
    seen[2] = angle;
    seen[3] = angleVelocity;
    return seen;
  }

  /** @internal */
  protected override draw({ x, angle }: CartPoleGame): Picture {
    const canvas = new Canvas(120, 60);
    const [centre, ground] = [60 + (x / positionLimit) * 50, 50];
    canvas.line(0, ground, 120, ground, [180, 180, 180]);
    canvas.rectangle(centre - 8, ground - 5, 16, 10, [40, 60, 90]);
    canvas.line(
      centre,
      ground - 5,
      centre + 36 * Math.sin(angle),
      ground - 5 - 36 * Math.cos(angle),
      [200, 110, 40],
      3,
    );
    return canvas;
  }
}
