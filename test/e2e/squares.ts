/** A trivial compute shader, run in Node and in a page: proof that a device computes, without our engine. */

/** x² of each number on the device. */
export async function squares(device: GPUDevice, numbers: readonly number[]): Promise<number[]> {
  const code = `
    @group(0) @binding(0) var<storage, read_write> x: array<f32>;
    @compute @workgroup_size(64) fn main(@builtin(global_invocation_id) id: vec3u) {
      if (id.x < arrayLength(&x)) { x[id.x] = x[id.x] * x[id.x]; }
    }`;
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const size = numbers.length * 4;
  const buffer = device.createBuffer({ size, usage: 0x80 | 0x08 | 0x04 }); // STORAGE, COPY_DST, COPY_SRC
  const staging = device.createBuffer({ size, usage: 0x01 | 0x08 }); // MAP_READ, COPY_DST
  device.queue.writeBuffer(buffer, 0, new Float32Array(numbers));
  const group = device.createBindGroup({
    layout: pipeline.getBindGroupLayout(0),
    entries: [{ binding: 0, resource: { buffer } }],
  });
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  pass.setPipeline(pipeline);
  pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(numbers.length / 64));
  pass.end();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1); // GPUMapMode.READ
  const result = [...new Float32Array(staging.getMappedRange())];
  staging.unmap();
  buffer.destroy();
  staging.destroy();
  return result;
}
