import { expect, it } from 'vitest';
import { problemIn } from './house.ts';
import { cookieOf, useSignIn } from './signing-in.ts';

const house = useSignIn();

const HOUR = 3600;

it('a session ends after an hour in which the page alone has asked', async () => {
  const { token } = await house.key('left alone');
  const pod = house.pod();
  const { cookie } = cookieOf(await pod.signIn(token));
  const looks = async (seconds: number) => {
    for (let passed = 0; passed < seconds; passed += 9) {
      house.wait(9);
      const answer = await pod.ask('GET', '/v1/session', { cookie, 'x-unattended': 'true' });
      if (answer.statusCode !== 200) return answer;
    }
    return undefined;
  };
  expect(await looks(HOUR / 2)).toBeUndefined();
  // Of this one nothing is looked up, for the page has asked just now. It counts all the same.
  expect((await pod.ask('GET', '/v1/session', { cookie })).statusCode).toBe(200);
  expect(await looks(HOUR - 20)).toBeUndefined();
  const answer = await looks(60);
  expect(answer).toBeDefined();
  problemIn(answer as NonNullable<typeof answer>, 401, 'session_ended');
});
