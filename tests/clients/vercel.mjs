// One action with Vercel's AI SDK. Prints JSON lines as sdk.py does. It has no list and no cancel, and gives no task id.
// Its own download refuses loopback addresses, so it is given one that does not.
import fs from 'node:fs';
import { createByteDance } from '@ai-sdk/bytedance';
import { experimental_generateVideo as generateVideo } from 'ai';

const say = (line) => console.log(JSON.stringify(line));

const download = async ({ url, abortSignal }) => {
  const answer = await fetch(url, { signal: abortSignal });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  return { data: new Uint8Array(await answer.arrayBuffer()), mediaType: answer.headers.get('content-type') ?? undefined };
};
const timeout = Number(process.env.CLIENT_TIMEOUT ?? 0) * 1000;

const bytedance = createByteDance({ apiKey: process.env.ARK_API_KEY, baseURL: process.env.ARK_BASE_URL });
const { video, providerMetadata } = await generateVideo({
  model: bytedance.video(process.env.MODEL),
  prompt: 'A paper boat.',
  duration: 4,
  download,
  ...(timeout ? { abortSignal: AbortSignal.timeout(timeout * 8) } : {}),
  providerOptions: { bytedance: { pollIntervalMs: 200, pollTimeoutMs: 60000 } },
});
const id = JSON.stringify(providerMetadata ?? {}).match(/cgt-[0-9]{14}-[0-9a-z]{5}/)?.[0];
if (id) say({ id });
fs.writeFileSync(process.env.OUTPUT, video.uint8Array);
for (const did of ['create', 'poll', 'download']) say({ did });
