import { Random } from '@milestones/core';
import { describe, expect, it } from 'vitest';
import { rungeKutta } from '../../src/environments/acrobot.ts';
import { environments, makeEnvironment, type Environment, type Step } from '../../src/index.ts';

const names = Object.keys(environments);

/** Plays whole episodes and returns the mean of return and length. */
function play(
  environment: Environment,
  episodes: number,
  policy: (random: Random) => number,
): { mean: number; length: number; zero: number } {
  const random = new Random(2, 'policy');
  let [sum, moves, zero] = [0, 0, 0];
  environment.reset(1);
  for (let episode = 0; episode < episodes; episode++) {
    if (episode > 0) environment.reset();
    let total = 0;
    for (let ended = false; !ended; moves++) {
      const { reward, terminated, truncated } = environment.step(policy(random));
      total += reward;
      ended = terminated || truncated;
    }
    sum += total;
    if (total === 0) zero++;
  }
  return { mean: sum / episodes, length: moves / episodes, zero: zero / episodes };
}

/** The state of an environment with its game replaced. */
function place(environment: Environment, game: object): void {
  environment.reset(1);
  const state = environment.state();
  environment.restore({ ...state, game: { ...(state.game as object), ...game } });
}

describe('every environment', () => {
  it.each(names)(
    '%s: observations fit the space; the same seed gives the same episode, another seed another',
    (name) => {
      const episode = (seed: number): Step[] => {
        const environment = makeEnvironment(name, { maximumSteps: 60 });
        const random = new Random(seed, 'actions');
        const { observation } = environment.reset(seed);
        const { shape, type } = environment.space;
        expect(observation).toHaveLength(shape.reduce((product, size) => product * size, 1));
        expect(observation).toBeInstanceOf(type === 'uint8' ? Uint8Array : Float32Array);
        const steps: Step[] = [];
        do steps.push(environment.step(random.integer(environment.actions.length)));
        while (!steps.at(-1)!.terminated && !steps.at(-1)!.truncated);
        return steps;
      };
      expect(episode(3)).toEqual(episode(3));
      expect(episode(3)).not.toEqual(episode(4));
    },
  );

  it.each(names)('%s: continues from a saved state, bit for bit, also through JSON', (name) => {
    const random = new Random(5);
    const environment = makeEnvironment(name);
    const moves = (count: number): number[] =>
      Array.from({ length: count }, () => random.integer(environment.actions.length));
    const walk = (through: Environment, actions: number[]): Step[] =>
      actions.map((action) => {
        const step = through.step(action);
        if (step.terminated || step.truncated) through.reset();
        return step;
      });
    environment.reset(9);
    walk(environment, moves(40));
    const saved = JSON.parse(JSON.stringify(environment.state()));
    const actions = moves(150);
    const other = makeEnvironment(name);
    other.restore(saved);
    expect(walk(other, actions)).toEqual(walk(environment, actions));
    expect(() => other.restore({ ...saved, name: 'Chess' })).toThrow('give what state() of the same environment');
  });

  it.each(names)('%s: refuses what is no action, and moves outside of an episode', (name) => {
    const environment = makeEnvironment(name, { maximumSteps: 1 });
    expect(() => environment.step(0)).toThrow('before the first reset');
    expect(() => environment.reset()).toThrow('without a seed');
    environment.reset(1);
    for (const action of [-1, environment.actions.length, 0.5, Number.NaN]) {
      expect(() => environment.step(action)).toThrow(`give a whole number from 0 to ${environment.actions.length - 1}`);
    }
    const { terminated, truncated } = environment.step(0);
    expect([terminated, truncated]).toEqual([false, true]); // The limit of one move.
    expect(() => environment.step(0)).toThrow('after the end of the episode; call reset() first');
    expect(environment.reset().observation.length).toBeGreaterThan(0);
  });

  it.each(names)('%s: shows a picture that changes', (name) => {
    const environment = makeEnvironment(name);
    environment.reset(1);
    const { width, height, data } = environment.picture();
    expect(data).toHaveLength(width * height * 3);
    for (let move = 0; move < (name === 'MountainCar' ? 40 : 4); move++) environment.step(1);
    expect(environment.picture().data).not.toEqual(data);
  });

  it('names those there are', () => {
    expect(() => makeEnvironment('Pong')).toThrow("there is no 'Pong'; choose from CartPole, Acrobot");
    expect(() => makeEnvironment('CartPole', { maximumSteps: 0 })).toThrow('at least 1');
    expect(() => makeEnvironment('Breakout', { stickyProbability: 1 })).toThrow('from 0 to below 1');
  });
});

// The counts of the published figures are in scripts/environment-facts.mjs; here are fewer episodes and wider bands.
describe('CartPole', () => {
  it('moves from rest as published', () => {
    const environment = makeEnvironment('CartPole');
    place(environment, { x: 0, xVelocity: 0, angle: 0, angleVelocity: 0 });
    const { observation, reward } = environment.step(1);
    const expected = [0, 0.195122, 0, -0.292683];
    expected.forEach((value, index) => expect(observation[index]).toBeCloseTo(value, 6));
    expect(reward).toBe(1);
  });

  it('gives a random policy 22.26 on average, and a constant one 9.35', () => {
    const environment = makeEnvironment('CartPole');
    expect(Math.abs(play(environment, 2000, (random) => random.integer(2)).mean - 22.264)).toBeLessThan(1.1);
    expect(Math.abs(play(environment, 1000, () => 0).mean - 9.35)).toBeLessThan(0.12);
  });

  it('terminates at 2.4 metres and at 12 degrees, and is truncated after 500 moves', () => {
    const environment = makeEnvironment('CartPole');
    place(environment, { x: 2.41, xVelocity: 0, angle: 0, angleVelocity: 0 });
    expect(environment.step(0)).toMatchObject({ terminated: true, truncated: false });
    place(environment, { x: 0, xVelocity: 0, angle: 0.21, angleVelocity: 0 });
    expect(environment.step(0).terminated).toBe(true);
    place(environment, { x: 0, xVelocity: 0, angle: 0, angleVelocity: 0 });
    environment.restore({ ...environment.state(), steps: 499 });
    expect(environment.step(0)).toMatchObject({ terminated: false, truncated: true });
  });
});

describe('Acrobot and MountainCar', () => {
  it('Acrobot without torque keeps its energy', () => {
    const energy = ([first, second, v1, v2]: readonly [number, number, number, number]): number => {
      const kinetic = 0.5 * (1.25 * v1 ** 2 + 1.25 * (v1 + v2) ** 2 + v1 ** 2 + v1 * (v1 + v2) * Math.cos(second));
      return kinetic - 9.8 * (1.5 * Math.cos(first) + 0.5 * Math.cos(first + second));
    };
    let links: [number, number, number, number] = [1, -0.5, 0.3, 0.2];
    const before = energy(links);
    for (let step = 0; step < 2000; step++) links = rungeKutta(links, 0, 0.005);
    expect(energy(links)).toBeCloseTo(before, 6);
  });

  it('Acrobot ends above the line, with the reward 0; every other move costs 1', () => {
    const environment = makeEnvironment('Acrobot');
    place(environment, { links: [Math.PI, 0, 0, 0] });
    expect(environment.step(1)).toMatchObject({ reward: 0, terminated: true });
    place(environment, { links: [0, 0, 0, 0] });
    const { reward, observation } = environment.step(1);
    expect(reward).toBe(-1);
    [1, 0, 1, 0, 0, 0].forEach((value, index) => expect(observation[index]).toBeCloseTo(value, 6));
  });

  it('MountainCar: a wall on the left, the goal at 0.5, and pushing with the motion gets there', () => {
    const environment = makeEnvironment('MountainCar');
    place(environment, { x: -1.19, velocity: -0.07 });
    expect([...environment.step(0).observation]).toEqual([Math.fround(-1.2), 0]);
    let observation = environment.reset(1).observation;
    for (let move = 0; move < 200; move++) {
      const step = environment.step(observation[1]! < 0 ? 0 : 2);
      ({ observation } = step);
      if (step.terminated) break;
    }
    expect(observation[0]).toBeGreaterThanOrEqual(0.5);
  });
});

describe('Breakout', () => {
  it('gives a random policy 0.514 on average in 11.25 moves, and 0 in 59.9 % of the episodes', () => {
    const { mean, length, zero } = play(makeEnvironment('Breakout'), 4000, (random) => random.integer(6));
    expect(Math.abs(mean - 0.514)).toBeLessThan(0.05);
    expect(Math.abs(length - 11.25)).toBeLessThan(0.6);
    expect(Math.abs(zero - 0.599)).toBeLessThan(0.035);
  });

  const game = { lastAction: 0, paddle: 4, lastRow: 0, lastColumn: 0, struck: false };
  const after = (changes: object, action = 0): [Step, Record<string, unknown>] => {
    const environment = makeEnvironment('Breakout', { stickyProbability: 0 });
    place(environment, { ...game, ...changes });
    const step = environment.step(action);
    return [step, environment.state().game as Record<string, unknown>];
  };

  it('starts at a side of row 3, on the way down', () => {
    const environment = makeEnvironment('Breakout');
    environment.reset(1);
    const starts = Array.from({ length: 40 }, () => {
      environment.reset();
      const { row, column, down, right, paddle, bricksLeft } = environment.state().game as Record<string, number>;
      return [row, column, down, right, paddle, bricksLeft].join();
    });
    expect(new Set(starts)).toEqual(new Set(['3,0,1,1,4,30', '3,9,1,-1,4,30']));
  });

  it('takes a brick, stays below it, and takes none with the move after', () => {
    const [hit, state] = after({ row: 4, column: 5, down: -1, right: 1 });
    expect(hit.reward).toBe(1);
    expect(state).toMatchObject({ row: 4, column: 6, down: 1, bricksLeft: 29, struck: true });
    const [next, later] = after({ row: 4, column: 5, down: -1, right: 1, struck: true });
    expect(next.reward).toBe(0);
    expect(later).toMatchObject({ row: 3, column: 6, down: -1, bricksLeft: 30, struck: false });
  });

  it('reflects at the walls and at the ceiling', () => {
    expect(after({ row: 5, column: 9, down: 1, right: 1 })[1]).toMatchObject({ row: 6, column: 9, right: -1 });
    expect(after({ row: 0, column: 4, down: -1, right: 1 })[1]).toMatchObject({ row: 0, column: 5, down: 1 });
  });

  it('bounces off the paddle under the old column, turns back under the new one, and else is lost', () => {
    const falling = { row: 8, column: 4, down: 1, right: 1 };
    expect(after(falling)[1]).toMatchObject({ row: 8, column: 5, down: -1, right: 1 });
    expect(after(falling, 3)[1]).toMatchObject({ paddle: 5, row: 8, column: 5, down: -1, right: -1 });
    expect(after(falling, 1)[0].terminated).toBe(true);
    expect(after({ ...falling, bricks: new Array(30).fill(0), bricksLeft: 0 })[1]['bricksLeft']).toBe(30);
  });

  it('repeats the last action now and then', () => {
    const environment = makeEnvironment('Breakout', { stickyProbability: 0.5 });
    environment.reset(1);
    let repeated = 0;
    for (let episode = 0; episode < 400; episode++) {
      environment.reset();
      environment.step(3); // The last action before an episode is to wait.
      if ((environment.state().game as { paddle: number }).paddle === 4) repeated++;
    }
    expect(Math.abs(repeated / 400 - 0.5)).toBeLessThan(0.1);
  });

  it('shows paddle, ball, trail and bricks in planes of their own', () => {
    const environment = makeEnvironment('Breakout', { stickyProbability: 0 });
    const { observation } = environment.reset(1);
    const cells = (plane: number): number[] =>
      [...observation].flatMap((value, index) => (value === 1 && index % 4 === plane ? [Math.floor(index / 4)] : []));
    expect(cells(0)).toEqual([94]);
    expect([30, 39]).toContain(cells(1)[0]);
    expect(cells(2)).toEqual(cells(1));
    expect(cells(3)).toEqual(Array.from({ length: 30 }, (_, index) => index + 10));
  });
});

describe('the other games on a grid', () => {
  const at = (name: string, game: object): Environment => {
    const environment = makeEnvironment(name, { stickyProbability: 0 });
    place(environment, game);
    return environment;
  };

  it('SpaceInvaders: a shot takes an alien, a bullet ends the episode, and fewer aliens march faster', () => {
    const alone = new Array<number>(100).fill(0);
    alone[65] = 1; // row 6, column 5
    const environment = at('SpaceInvaders', { aliens: alone, cannon: 5, marchIn: 12 });
    expect(environment.step(5).reward).toBe(0);
    expect(environment.step(0).reward).toBe(0);
    const hit = environment.step(0);
    expect(hit).toMatchObject({ reward: 1, terminated: false });
    const { aliens, marchEvery } = environment.state().game as { aliens: number[]; marchEvery: number };
    expect([aliens.filter((alien) => alien === 1).length, marchEvery]).toEqual([24, 11]); // The next wave.
    expect(at('SpaceInvaders', { cannon: 5, theirBullets: [[8, 5]] }).step(0).terminated).toBe(true);
    expect(at('SpaceInvaders', { cannon: 5, theirBullets: [[8, 5]] }).step(1).terminated).toBe(false);

    const marching = at('SpaceInvaders', { aliens: alone, marchIn: 1, right: 1 });
    const columns = Array.from({ length: 6 }, () => {
      marching.step(0);
      return (marching.state().game as { aliens: number[] }).aliens.indexOf(1);
    });
    expect(columns).toEqual([66, 67, 68, 69, 79, 78]); // One cell with every move, a row down at the edge.
  });

  it('Asterix: treasure counts, an enemy ends the episode', () => {
    const lanes = (treasure: boolean): object[] => Array.from({ length: 8 }, () => ({ column: 6, right: 1, treasure }));
    const game = { row: 5, column: 5, moveIn: 5, spawnIn: 9 };
    expect(at('Asterix', { ...game, lanes: lanes(true) }).step(3)).toMatchObject({ reward: 1, terminated: false });
    expect(at('Asterix', { ...game, lanes: lanes(false) }).step(3)).toMatchObject({ reward: 0, terminated: true });
    expect(at('Asterix', { ...game, lanes: lanes(false) }).step(1).terminated).toBe(false);
  });

  it('Freeway: a step in three moves, a reward at the top, and a car sends back', () => {
    const cars = (column: number): object[] =>
      Array.from({ length: 8 }, () => ({ column, right: 1, period: 5, moveIn: 100 }));
    const rows = at('Freeway', { cars: cars(9) });
    const taken = Array.from({ length: 7 }, () => {
      rows.step(2);
      return (rows.state().game as { row: number }).row;
    });
    expect(taken).toEqual([8, 8, 8, 7, 7, 7, 6]);
    expect(at('Freeway', { row: 1, cars: cars(9) }).step(2).reward).toBe(1);
    const hit = at('Freeway', { row: 5, cars: cars(4) });
    hit.step(2);
    expect((hit.state().game as { row: number }).row).toBe(9);
    expect(play(makeEnvironment('Freeway', { maximumSteps: 700 }), 1, () => 2).mean).toBeGreaterThan(0);
  });

  it('Seaquest: enemies, divers, air', () => {
    const fish = { row: 4, column: 7, right: -1, moveIn: 5, shotIn: 0 };
    const game = { row: 4, column: 5, right: 1, diversAboard: 2, enemies: [fish], divers: [] };
    const shooting = at('Seaquest', game);
    expect(shooting.step(5).reward).toBe(0);
    expect(shooting.step(0).reward).toBe(1);
    expect(at('Seaquest', { ...game, enemies: [{ ...fish, column: 5 }] }).step(0).terminated).toBe(true);
    expect(at('Seaquest', { ...game, enemyBullets: [[4, 6, -1]] }).step(0).terminated).toBe(true);
    expect(at('Seaquest', { ...game, air: 1 }).step(0).terminated).toBe(true);

    const diver = at('Seaquest', { ...game, divers: [{ ...fish, column: 6 }], enemies: [] });
    diver.step(3);
    expect(diver.state().game).toMatchObject({ diversAboard: 3, divers: [] });

    const surfacing = { ...game, row: 1, air: 100, enemies: [] };
    const partly = at('Seaquest', surfacing);
    expect(partly.step(2).reward).toBe(0);
    expect(partly.state().game).toMatchObject({ diversAboard: 1, air: 200, period: 4 });
    expect(at('Seaquest', { ...surfacing, diversAboard: 6 }).step(2).reward).toBe(2); // Half of four cells.
    expect(at('Seaquest', { ...surfacing, diversAboard: 0 }).step(2).terminated).toBe(true);
  });
});
