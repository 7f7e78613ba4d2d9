/**
 * Acrobot: two links hang from a joint, a motor turns the second against the first, and the free end is to swing above a
 * line one link's length over the joint. Sutton and Barto 1998, section 11.3, whose equations these are; constants, limits
 * and reward as in Gymnasium's Acrobot-v1.
 *
 *     d₁ = m₁ c₁² + m₂ (l₁² + c₂² + 2 l₁ c₂ cos θ₂) + I₁ + I₂        d₂ = m₂ (c₂² + l₁ c₂ cos θ₂) + I₂
 *     φ₂ = m₂ c₂ g cos(θ₁ + θ₂ − π/2)
 *     φ₁ = −m₂ l₁ c₂ θ̇₂² sin θ₂ − 2 m₂ l₁ c₂ θ̇₂ θ̇₁ sin θ₂ + (m₁ c₁ + m₂ l₁) g cos(θ₁ − π/2) + φ₂
 *     θ̈₂ = (torque + d₂/d₁ φ₁ − m₂ l₁ c₂ θ̇₁² sin θ₂ − φ₂) / (m₂ c₂² + I₂ − d₂²/d₁)        θ̈₁ = −(d₂ θ̈₂ + φ₁) / d₁
 *
 * with m, l and I = 1, c = ½ (centres of mass), g = 9.8; one Runge–Kutta step of 0.2 s per move.
 */
import type { Random } from '@milestones/core';
import { Canvas, type Picture } from '../picture/picture.ts';
import { SeededEnvironment, type EnvironmentOptions, type Outcome } from './environment.ts';

const gravity = 9.8;
const timeStep = 0.2;
const velocityLimits = [4 * Math.PI, 9 * Math.PI] as const;

/** θ₁, θ₂, θ̇₁, θ̇₂: the first link from straight down, the second from the first; rad, rad/s. */
type Links = [first: number, second: number, firstVelocity: number, secondVelocity: number];

/** See the file's head. Reward −1 for every move but the one that arrives; truncated after 500 moves by default. */
export class Acrobot extends SeededEnvironment<{ links: Links }> {
  readonly name = 'Acrobot';
  readonly space = { shape: [6], type: 'float32' } as const;
  readonly actions = ['turn back', 'let go', 'turn forth'];

  constructor(options: EnvironmentOptions = {}) {
    super(options.maximumSteps ?? 500);
  }

  /** @internal */
  protected override begin(random: Random): { links: Links } {
    const small = (): number => random.uniform() * 0.2 - 0.1;
    return { links: [small(), small(), small(), small()] };
  }

  /** @internal */
  protected override advance(game: { links: Links }, action: number, _random: Random, outcome: Outcome): void {
    const [first, second, firstVelocity, secondVelocity] = rungeKutta(game.links, action - 1, timeStep);
    const limited = (velocity: number, limit: number): number => Math.min(limit, Math.max(-limit, velocity));
    game.links = [
      wrapped(first),
      wrapped(second),
      limited(firstVelocity, velocityLimits[0]),
      limited(secondVelocity, velocityLimits[1]),
    ];
    outcome.terminated = -Math.cos(game.links[0]) - Math.cos(game.links[0] + game.links[1]) > 1;
    outcome.reward = outcome.terminated ? 0 : -1;
  }

  /** @internal */
  protected override observe({
    links: [first, second, firstVelocity, secondVelocity],
  }: {
    links: Links;
  }): Float32Array {
    return Float32Array.of(
      Math.cos(first),
      Math.sin(first),
      Math.cos(second),
      Math.sin(second),
      firstVelocity,
      secondVelocity,
    );
  }

  /** @internal */
  protected override draw({ links: [first, second] }: { links: Links }): Picture {
    const canvas = new Canvas(100, 100);
    canvas.line(0, 30, 100, 30, [180, 180, 180]);
    const [x, y] = [50 + 20 * Math.sin(first), 50 + 20 * Math.cos(first)];
    canvas.line(50, 50, x, y, [40, 60, 90], 4);
    canvas.line(x, y, x + 20 * Math.sin(first + second), y + 20 * Math.cos(first + second), [200, 110, 40], 4);
    return canvas;
  }
}

/** The state after `time` seconds under a constant torque, by one step of the classical Runge–Kutta method. */
export function rungeKutta(links: Links, torque: number, time: number): Links {
  const moved = (by: Links, part: number): Links => links.map((value, index) => value + by[index]! * part) as Links;
  const first = change(links, torque);
  const second = change(moved(first, time / 2), torque);
  const third = change(moved(second, time / 2), torque);
  const fourth = change(moved(third, time), torque);
  return links.map(
    (value, index) => value + (time / 6) * (first[index]! + 2 * second[index]! + 2 * third[index]! + fourth[index]!),
  ) as Links;
}

function change([first, second, firstVelocity, secondVelocity]: Links, torque: number): Links {
  const d1 = 0.25 + (1 + 0.25 + Math.cos(second)) + 2;
  const d2 = 0.25 + 0.5 * Math.cos(second) + 1;
  const phi2 = 0.5 * gravity * Math.cos(first + second - Math.PI / 2);
  const phi1 =
    -0.5 * secondVelocity ** 2 * Math.sin(second) -
    secondVelocity * firstVelocity * Math.sin(second) +
    1.5 * gravity * Math.cos(first - Math.PI / 2) +
    phi2;
  const secondAcceleration =
    (torque + (d2 / d1) * phi1 - 0.5 * firstVelocity ** 2 * Math.sin(second) - phi2) / (1.25 - d2 ** 2 / d1);
  return [firstVelocity, secondVelocity, -(d2 * secondAcceleration + phi1) / d1, secondAcceleration];
}

/** The same angle in [−π, π). */
function wrapped(angle: number): number {
  return angle - 2 * Math.PI * Math.floor((angle + Math.PI) / (2 * Math.PI));
}
